// A pause that staff ordered: the clock stands and the items are hidden; what was typed before it is still sent.

import { announce, interrupt } from "./announcer.js";
import { byId } from "./elements.js";
import { say } from "./words.js";

export class Pause {
  #responses = null;
  #resumed;
  isOn = false;

  // `resumed()` is called when the items may be seen again.
  constructor(resumed) {
    this.#resumed = resumed;
  }

  // True when an answer disagrees with what is known of the pause and cannot say more: the clock must be asked. A paused
  // sitting has no end.
  isNewsIn({ ends_at, paused_since }) {
    return paused_since === undefined && ends_at !== undefined && (ends_at === null) !== this.isOn;
  }

  // Takes what an answer says of the pause; true when that changed.
  learn({ paused_since }) {
    if (paused_since === undefined || (paused_since !== null) === this.isOn) return false;
    this.isOn = !this.isOn;
    if (this.#responses) this.#show();
    return true;
  }

  // From now on there is something to hide.
  guard(responses) {
    this.#responses = responses;
    if (this.isOn) this.#show();
  }

  // The sitting is over; nothing is to be hidden or shown any more.
  end() {
    this.#responses = null;
    byId("paused").hidden = true;
  }

  #show() {
    this.#responses.flush();
    this.#responses.isLocked = this.isOn;
    for (const dialog of document.querySelectorAll("dialog[open]")) dialog.close();
    byId("work").hidden = this.isOn;
    byId("paused").hidden = !this.isOn;
    byId("clock").classList.toggle("stands", this.isOn);
    if (this.isOn) {
      byId("paused-heading").focus();
      interrupt(say("pause.heading"));
    } else {
      interrupt("");
      announce(say("pause.over"));
      this.#resumed();
    }
  }
}
