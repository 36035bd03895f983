// Items that are answered by arranging: ordering by up and down buttons, matching by one select for each row.

import { announce } from "./announcer.js";
import { make, hiddenText } from "./elements.js";
import { markup, plainText } from "./markup.js";
import { pick, say } from "./words.js";

// The order shown at first is the sitting's and counts as no response; "keep this order" makes it one.
export function ordering({ item, order, value, change }) {
  let places = [...(value ?? order)];
  const byId = Object.fromEntries(item.options.map((option) => [option.id, option]));
  const list = make("ol", { className: "options ordering" });
  const keep = make("button", { type: "button", className: "button secondary", onclick: () => move(0, 0) }, say("ordering.keep"));
  const box = make("div", {}, list, make("p", { className: "item-actions" }, keep));

  function move(from, to, direction) {
    places = [...places];
    places.splice(to, 0, ...places.splice(from, 1));
    change(places);
    draw(true);
    if (direction) {
      const row = list.children[to];
      const button = row.querySelector(`[data-move=${direction}]:not([disabled])`) ?? row.querySelector("button:not([disabled])");
      button.focus();
      announce(say("ordering.moved", { place: to + 1, of: places.length }));
    }
  }

  const button = (place, direction) => {
    const to = place + (direction === "up" ? -1 : 1);
    const disabled = to < 0 || to >= places.length;
    return make("button", { type: "button", className: "button secondary", disabled, "data-move": direction,
      onclick: () => move(place, to, direction) },
    make("span", { "aria-hidden": "true" }, direction === "up" ? "↑" : "↓"),
    hiddenText(`${say(`ordering.${direction}`)} ${plainText(pick(byId[places[place]].text))}`));
  };

  function draw(isGiven) {
    keep.hidden = isGiven;
    list.replaceChildren(...places.map((id, place) => {
      const words = make("span", { className: "option-text" });
      words.append(markup(pick(byId[id].text)));
      return make("li", { className: "option", value: place + 1 }, make("span", { className: "place", "aria-hidden": "true" }, `${place + 1}.`),
        words, button(place, "up"), button(place, "down"));
    }));
  }

  draw(value !== null);
  return box;
}

export function matching({ item, value, change }) {
  const pairs = { ...value };
  return make("ul", { className: "options matching" }, item.rows.map((row) => {
    const id = `row-${row.id}`;
    const words = make("span", { className: "option-text", id });
    words.append(markup(pick(row.text)));
    const select = make("select", { "aria-labelledby": id, onchange: (event) => {
      if (event.target.value) pairs[row.id] = event.target.value;
      else delete pairs[row.id];
      change(Object.keys(pairs).length ? { ...pairs } : null);
    } },
    make("option", { value: "" }, say("matching.choose")),
    item.choices.map((choice) => make("option", { value: choice.id, selected: pairs[row.id] === choice.id }, plainText(pick(choice.text)))));
    return make("li", { className: "option" }, words, select);
  }));
}
