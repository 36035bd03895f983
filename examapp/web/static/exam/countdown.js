// The clock in the header: silent to screen readers except at 30, 10, 5 and 1 minutes, may be hidden, comes back.

import { announce, hideBanner, interrupt, showBanner } from "./announcer.js";
import { clockFace, passed } from "./clock.js";
import { byId } from "./elements.js";
import { say } from "./words.js";

const TICK = 250;
const COMES_BACK = 10 * 60_000;
const SOON = 5 * 60_000;
const SHOWN = 20_000;

export class Countdown {
  #clock;
  #onZero;
  #before = null;
  #isHidden = false;
  #timer = null;

  constructor(clock, onZero) {
    this.#clock = clock;
    this.#onZero = onZero;
    byId("clock-toggle").addEventListener("click", () => {
      this.#isHidden = !this.#isHidden;
      this.draw();
    });
  }

  start() {
    this.stop();
    this.#timer = setInterval(() => this.#tick(), TICK);
    this.#tick();
  }

  stop() {
    clearInterval(this.#timer);
    this.#timer = null;
  }

  // The end moved: whoever was given time must hear of it.
  extended(minutes) {
    const write = () => say("time.extended", { minutes: Math.round(minutes) });
    showBanner("time", "good", write);
    announce(write());
    this.#before = null;
    if (this.#timer === null) this.start();
  }

  draw() {
    const left = this.#clock.left();
    if (left === null) return;
    const face = byId("clock-face");
    const text = this.#isHidden ? say("clock.hidden") : clockFace(left);
    if (face.textContent !== text) face.textContent = text;
    byId("clock-toggle").textContent = say(this.#isHidden ? "clock.show" : "clock.hide");
    byId("clock-toggle").setAttribute("aria-pressed", String(this.#isHidden));
    byId("clock").classList.toggle("soon", left <= SOON);
  }

  #tick() {
    const left = this.#clock.left();
    if (left === null) return;
    const threshold = passed(this.#before, left);
    if (this.#before !== null && this.#before > COMES_BACK && left <= COMES_BACK) this.#isHidden = false;
    this.#before = left;
    this.draw();
    if (threshold !== null && left > 0) this.#warn(threshold);
    if (left <= 0) {
      this.stop();
      hideBanner("time");
      this.#onZero();
    }
  }

  #warn(minutes) {
    const write = () => say("time.left", { minutes });
    showBanner("time", minutes > 5 ? "" : "warn", write);
    setTimeout(() => hideBanner("time"), SHOWN);
    if (minutes === 1) interrupt(write());
    else announce(write());
  }
}
