// One item on the page: heading, stimulus, stem, the control of its type, and whether the response is safe.

import { make, byId } from "./elements.js";
import { figure, markup } from "./markup.js";
import { matching, ordering } from "./arranging.js";
import { multipleChoice, singleChoice, trueFalse } from "./choosing.js";
import { numeric } from "./numeric.js";
import { pick, say, timeOfDay } from "./words.js";

const CONTROLS = {
  single_choice: singleChoice, multiple_choice: multipleChoice, true_false: trueFalse, fault_finding: multipleChoice,
  numeric, ordering, matching,
};

// `place` is {position, count, slot, item, order}; `responses` has the values.
export function showItem(target, place, paper, responses, moves) {
  const { position, count, slot, item, order } = place;
  const heading = make("h1", { id: "item-heading", className: "item-heading", tabIndex: -1 }, say("item.heading", {
    position, count, type: say(`type.${item.item_type}`), points: item.points,
  }));
  const stem = make("div", { className: "stem", id: "stem" });
  stem.append(markup(pick(item.stem)));
  const control = CONTROLS[item.item_type]({
    item, order, value: responses.value(slot), change: (value) => responses.change(slot, value), flush: () => responses.flush(),
  });
  const group = make("div", { role: "group", "aria-labelledby": "item-heading stem" }, control);
  const body = make("div", { className: "item-body" }, stem, group,
    make("p", { className: "item-state", id: "item-state" }), actions(moves));
  const stimulus = item.stimulus ? showStimulus(paper.stimuli[item.stimulus]) : null;
  target.replaceChildren(heading, stimulus
    ? make("div", { className: "with-stimulus" }, stimulus, body) : body);
  showItemState(slot, responses);
}

function showStimulus({ text, figure: drawn }) {
  const box = make("section", { className: "stimulus", "aria-label": say("stimulus.label"), tabIndex: 0 });
  box.append(markup(pick(text)));
  if (drawn) box.append(figure(pick(drawn), say("stimulus.figure")));
  return box;
}

function actions({ previous, toggleFlag, next, isFlagged, isFirst, isLast }) {
  return make("div", { className: "item-actions" },
    make("button", { type: "button", className: "button secondary", id: "previous", disabled: isFirst, onclick: previous }, say("move.previous")),
    make("button", { type: "button", className: "button secondary", id: "flag", "aria-pressed": String(isFlagged), onclick: toggleFlag },
      make("span", { "aria-hidden": "true" }, isFlagged ? "⚑" : "⚐"), say(isFlagged ? "flag.off" : "flag.on")),
    make("button", { type: "button", className: "button", id: "next", onclick: next }, say(isLast ? "move.review" : "move.next")));
}

// Changes words and state in place, so that the focus stays where it is.
export function showFlag(isFlagged) {
  const button = byId("flag");
  if (!button || button.getAttribute("aria-pressed") === String(isFlagged)) return;
  button.setAttribute("aria-pressed", String(isFlagged));
  button.replaceChildren(make("span", { "aria-hidden": "true" }, isFlagged ? "⚑" : "⚐"), say(isFlagged ? "flag.off" : "flag.on"));
}

export function showItemState(slot, responses) {
  const line = byId("item-state");
  if (!line) return;
  const { kind, at } = responses.stateOf(slot);
  const text = kind === "saved" && at ? say("state.saved_at", { time: timeOfDay(at) }) : say(`state.${kind}`);
  if (line.textContent !== text) line.textContent = text;
  line.className = `item-state ${kind}`;
}
