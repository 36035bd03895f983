// Items that are answered by choosing: one or several options, true or false, the faulty lines of a document.

import { make } from "./elements.js";
import { markup } from "./markup.js";
import { pick, say } from "./words.js";

const letter = (place) => String.fromCharCode(65 + place);

function option(kind, place, { id, text, checked, onchange, mark }) {
  const control = make("input", { type: kind, name: "response", value: id, checked, onchange });
  const words = make("span", { className: "option-text" });
  words.append(typeof text === "string" ? text : markup(pick(text)));
  return make("li", {}, make("label", { className: "option" }, control,
    mark && make("span", { className: "letter" }, mark), words));
}

const list = (options) => make("ul", { className: "options" }, options);

export function singleChoice({ item, order, value, change }) {
  const options = order.map((id, place) => option("radio", place, {
    id, text: item.options.find((each) => each.id === id).text, checked: value === id, mark: letter(place),
    onchange: () => change(id),
  }));
  return withClear(list(options), value, change);
}

export function trueFalse({ value, change }) {
  const options = [true, false].map((truth, place) => option("radio", place, {
    id: String(truth), text: say(truth ? "choice.true" : "choice.false"), checked: value === truth,
    onchange: () => change(truth),
  }));
  return withClear(list(options), value, change);
}

// Several options: what is stored is the sorted list of the chosen ids, and nothing when none is chosen.
export function multipleChoice({ item, order, value, change }) {
  const chosen = new Set(value ?? []);
  const options = order.map((id, place) => option("checkbox", place, {
    id, text: item.options.find((each) => each.id === id).text, checked: chosen.has(id),
    mark: item.item_type === "fault_finding" ? String(place + 1) : letter(place),
    onchange: (event) => {
      if (event.target.checked) chosen.add(id);
      else chosen.delete(id);
      const ids = [...chosen].sort((one, other) => Number(one) - Number(other));
      change(ids.length ? ids : null);
    },
  }));
  return list(options);
}

// A radio button cannot be taken back by its own means.
function withClear(options, value, change) {
  const clear = make("button", { type: "button", className: "link", hidden: value === null, onclick: () => {
    for (const control of options.querySelectorAll("input")) control.checked = false;
    clear.hidden = true;
    options.querySelector("input").focus();
    change(null);
  } }, say("choice.clear"));
  options.addEventListener("change", () => { clear.hidden = false; });
  return make("div", {}, options, clear);
}
