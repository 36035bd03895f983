// Shortcuts: always with Alt and Shift, so that no letter typed into a field and no input method is disturbed.

import { byId } from "./elements.js";

// `actions` by key code: {KeyN: next, KeyP: previous, KeyF: flag, KeyR: review}.
export function listenForShortcuts(actions) {
  document.addEventListener("keydown", (event) => {
    if (!event.altKey || !event.shiftKey || event.ctrlKey || event.metaKey) return;
    const action = actions[event.code];
    if (!action || !byId("shortcuts-on").checked) return;
    event.preventDefault();
    action();
  });
  byId("help-open").addEventListener("click", () => byId("help-dialog").showModal());
  byId("help-close").addEventListener("click", () => byId("help-dialog").close());
}
