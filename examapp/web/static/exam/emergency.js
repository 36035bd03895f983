// The emergency answer file: what could not be sent for long, or not before the end, saved on this computer, sealed for
// the service, to be carried to it by staff.

import { announce, hasBanner, hideBanner, showBanner } from "./announcer.js";
import { make } from "./elements.js";
import { canSeal, sealedFile } from "./sealing.js";
import { say, timeOfDay } from "./words.js";

const LOOK = 5_000;
export const PATIENCE = 120_000;

export class EmergencyFile {
  #sitting;
  #key;
  #responses;
  #clock;
  #unsentSince = null;
  #savedAt = null;
  #savedVersion = null; // of the responses that are in the newest file
  #shownVersion = null;
  #atEnd = false;

  // `key` is what the service gave for this sitting; `clock` is the ServerClock.
  constructor(sitting, key, responses, clock) {
    this.#sitting = sitting;
    this.#key = key;
    this.#responses = responses;
    this.#clock = clock;
    if (!key || !canSeal()) return;
    responses.addEventListener("change", () => this.#look());
    setInterval(() => this.#look(), LOOK);
  }

  // The sitting is over: whatever is unsent now is offered at once.
  atEnd() {
    this.#atEnd = true;
    this.#look();
  }

  #look() {
    const { unsaved, unsavedVersion, isInTrouble } = this.#responses;
    if (!unsaved.length) {
      this.#unsentSince = null;
      return hideBanner("emergency");
    }
    this.#unsentSince ??= performance.now();
    const isDue = this.#atEnd || performance.now() - this.#unsentSince >= PATIENCE;
    const isShown = hasBanner("emergency") && this.#shownVersion === unsavedVersion;
    if (isInTrouble && isDue && !isShown) this.#offer();
  }

  #offer() {
    this.#shownVersion = this.#responses.unsavedVersion;
    showBanner("emergency", "bad", () => this.#words(), { action: { word: "emergency.save", run: () => this.#save() } });
    announce(this.#words());
  }

  #words() {
    if (this.#savedVersion !== this.#responses.unsavedVersion) return say("emergency.offer", { count: this.#responses.unsaved.length });
    return say("emergency.saved", { name: this.#name, time: timeOfDay(this.#savedAt) });
  }

  get #name() {
    return `emergency-${this.#sitting}.json`;
  }

  async #save() {
    const savedAt = new Date(this.#clock.now()).toISOString();
    const version = this.#responses.unsavedVersion;
    const text = await sealedFile(this.#sitting, this.#key, { schema: 1, ...this.#responses.unsent(), saved_at: savedAt });
    const address = URL.createObjectURL(new Blob([text], { type: "application/json" }));
    make("a", { href: address, download: this.#name }).click();
    setTimeout(() => URL.revokeObjectURL(address), LOOK);
    this.#savedAt = savedAt;
    this.#savedVersion = version;
    this.#offer();
  }
}
