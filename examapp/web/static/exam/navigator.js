// The list of all items: number, state by words, shape and colour; which is shown; what the filter leaves.

import { make, byId, hiddenText } from "./elements.js";
import { say } from "./words.js";

export const FILTERS = {
  all: () => true,
  unanswered: (slot, responses) => !responses.isAnswered(slot),
  flagged: (slot, responses) => responses.flags.has(slot),
  unsaved: (slot, responses) => responses.unsaved.includes(slot),
};

const MARKS = { answered: "●", unanswered: "○", flagged: "⚑", unsaved: "▲" };

export class Navigator {
  #places;
  #responses;
  #cells = new Map();
  #filter = "all";

  // `places` are {position, slot}; `go(slot)` shows an item.
  constructor(places, responses, go) {
    this.#places = places;
    this.#responses = responses;
    for (const { position, slot } of places) {
      const button = make("button", { type: "button", className: "cell", onclick: () => go(slot) });
      this.#cells.set(slot, { position, button, row: make("li", {}, button) });
    }
    byId("cells").replaceChildren(...[...this.#cells.values()].map((cell) => cell.row));
    byId("filter").addEventListener("change", (event) => {
      this.#filter = event.target.value;
      this.draw();
    });
  }

  // Marks the item that is shown (null on the review page) and rewrites every state that changed.
  draw(current = this.current) {
    this.current = current;
    let shown = 0;
    for (const [slot, cell] of this.#cells) {
      this.#drawCell(slot, cell);
      cell.row.hidden = !FILTERS[this.#filter](slot, this.#responses);
      shown += cell.row.hidden ? 0 : 1;
    }
    byId("nothing-shown").hidden = shown > 0;
    this.#drawLegend();
  }

  // Where the list scrolls by itself (on a desk), the item that is shown stays in sight.
  reveal(slot) {
    const list = byId("cells").closest("nav");
    const cell = this.#cells.get(slot);
    if (!cell || list.scrollHeight <= list.clientHeight) return;
    const [frame, own] = [list.getBoundingClientRect(), cell.button.getBoundingClientRect()];
    if (own.top < frame.top) list.scrollTop += own.top - frame.top;
    else if (own.bottom > frame.bottom) list.scrollTop += own.bottom - frame.bottom;
  }

  #states(slot) {
    const states = [this.#responses.isAnswered(slot) ? "answered" : "unanswered"];
    if (this.#responses.flags.has(slot)) states.push("flagged");
    if (this.#responses.unsaved.includes(slot)) states.push("unsaved");
    return states;
  }

  #drawCell(slot, { position, button }) {
    const states = this.#states(slot);
    const name = [say("navigator.item", { position }), ...states.map((state) => say(`navigator.${state}`))].join(", ");
    if (slot === this.current) button.setAttribute("aria-current", "step");
    else button.removeAttribute("aria-current");
    if (button.dataset.name === name) return;
    button.dataset.name = name;
    button.className = `cell ${states.join(" ")}`;
    button.replaceChildren(
      make("span", { "aria-hidden": "true" }, String(position)),
      make("span", { className: "mark", "aria-hidden": "true" }, states.map((state) => MARKS[state]).join(" ")),
      hiddenText(name));
  }

  #drawLegend() {
    const counts = {
      answered: this.#responses.answered, unanswered: this.#places.length - this.#responses.answered,
      flagged: this.#responses.flags.size, unsaved: this.#responses.unsaved.length,
    };
    byId("legend").replaceChildren(...Object.entries(counts).map(([state, count]) =>
      make("li", {}, make("span", { "aria-hidden": "true" }, `${MARKS[state]} `), `${say(`navigator.${state}`)} ${count}`)));
  }
}
