// One item in the exam page's own program; responses stay here.

import { byId } from "../exam/elements.js";
import { showItem } from "../exam/item.js";
import { currentLanguage, setLanguage } from "../exam/words.js";

const paper = JSON.parse(byId("paper").textContent);
const item = paper.slots[0];
let value = null;

const responses = {
  value: () => value,
  change: (slot, wanted) => { value = wanted; byId("value").textContent = JSON.stringify(value); },
  flush: () => {},
  stateOf: () => ({ kind: "none" }),
};
const moves = {
  previous: () => {}, next: () => {}, toggleFlag: () => {}, isFlagged: false, isFirst: true, isLast: false,
};

function show() {
  const order = (item.options ?? item.choices ?? []).map((each) => each.id);
  showItem(byId("item"), { position: 1, count: 1, slot: item.slot, item, order }, paper, responses, moves);
  document.querySelector("#item .item-actions")?.remove();
}

byId("other-language").addEventListener("click", () => {
  setLanguage(currentLanguage() === "zh" ? "en" : "zh");
  show();
});
show();
