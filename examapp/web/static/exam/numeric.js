// A number: a text field that says how it was read. What cannot be read is kept all the same, with a warning.

import { make } from "./elements.js";
import { markup } from "./markup.js";
import { readNumber, shownNumber } from "./reading.js";
import { pick, say } from "./words.js";

const LONGEST = 64;

export function numeric({ item, value, change, flush }) {
  const reading = make("p", { className: "read-as", id: "read-as", role: "status" });
  const unit = item.unit ? make("span", { id: "unit", className: "unit" }, item.unit) : null;
  const hint = make("p", { className: "hint", id: "numeric-hint" });
  hint.append(item.hint ? markup(pick(item.hint)) : say("numeric.hint"));
  const input = make("input", {
    id: "numeric", type: "text", inputMode: "decimal", autocomplete: "off", spellcheck: false, maxLength: LONGEST,
    className: "short", value: value ?? "", "aria-describedby": ["numeric-hint", unit && "unit"].filter(Boolean).join(" "),
    oninput: () => { change(input.value.trim() === "" ? null : input.value); describe(); },
    onblur: flush,
  });

  function describe() {
    const text = input.value.trim();
    const number = text === "" ? null : readNumber(text);
    reading.classList.toggle("error", text !== "" && number === null);
    if (text === "") reading.textContent = "";
    else if (number === null) reading.textContent = say("numeric.unreadable");
    else reading.textContent = say("numeric.read_as", { number: [shownNumber(number), item.unit].filter(Boolean).join(" ") });
  }

  describe();
  return make("div", { className: "field" },
    make("label", { htmlFor: "numeric" }, say("numeric.label")), hint,
    make("div", { className: "with-unit" }, input, unit), reading);
}
