// Sending what must arrive: one newest thing per key, a few at a time, again and again until the service has it.

import { Problem, Unreachable } from "./wire.js";

const PARALLEL = 4;
const LONGEST = 30;

// Full jitter over 1, 2, 4 … 30 seconds: a hall that comes back online must not come back in one instant.
export function pause(attempt, random = Math.random) {
  return 250 + random() * Math.min(LONGEST, 2 ** attempt) * 1000;
}

export class Outbox extends EventTarget {
  #waiting = new Map();
  #sending = new Set();
  #attempt = 0;
  #timer = null;
  #isAskedAgain = false;
  #quietUntil = 0; // the service asked not to be tried again before (performance.now())
  // "", "offline" (nobody answered), "signed_out", or "busy" (the service answered that it cannot now)
  trouble = "";

  // `send` resolves when the matter is settled, whatever the answer; it throws when it must be tried again.
  add(key, send) {
    this.#waiting.set(key, send);
    if (this.#timer === null) this.#pump();
    this.#tell();
  }

  // Tries everything at once, without waiting for the pause to end; what is on its way and fails is tried once more.
  // Only a wait that the service asked for is kept.
  retryNow() {
    this.#isAskedAgain = this.#sending.size > 0;
    clearTimeout(this.#timer);
    this.#timer = null;
    if (this.quietFor > 0) this.#timer = setTimeout(() => this.retryNow(), this.quietFor);
    else this.#pump();
  }

  stateOf(key) {
    if (this.#sending.has(key)) return "sending";
    return this.#waiting.has(key) ? "waiting" : "";
  }

  // For how many more milliseconds the service asked to be left alone.
  get quietFor() {
    return Math.max(0, this.#quietUntil - performance.now());
  }

  get size() {
    return new Set([...this.#waiting.keys(), ...this.#sending]).size;
  }

  // Resolves to true when nothing is left to send, to false after `milliseconds`.
  settled(milliseconds) {
    if (!this.size) return Promise.resolve(true);
    return new Promise((resolve) => {
      const finish = (outcome) => {
        clearTimeout(timer);
        this.removeEventListener("change", look);
        resolve(outcome);
      };
      const look = () => this.size === 0 && finish(true);
      const timer = setTimeout(() => finish(false), milliseconds);
      this.addEventListener("change", look);
    });
  }

  // What another part of the page learned about the connection.
  report(error) {
    const before = this.trouble;
    if (!error) this.trouble = "";
    else if (error instanceof Unreachable) this.trouble = "offline";
    else if (error instanceof Problem && [400, 401, 403, 404].includes(error.status)) this.trouble = "signed_out";
    else this.trouble = "busy";
    if (this.trouble !== before) this.#tell();
    if (before && !this.trouble) this.retryNow();
  }

  #tell() {
    this.dispatchEvent(new Event("change"));
  }

  #pump() {
    for (const [key, send] of [...this.#waiting]) {
      if (this.#sending.size >= PARALLEL) return;
      if (!this.#sending.has(key)) this.#send(key, send);
    }
  }

  async #send(key, send) {
    this.#waiting.delete(key);
    this.#sending.add(key);
    this.#tell();
    try {
      await send();
      this.#attempt = 0;
      this.#sending.delete(key);
      this.report(null);
    } catch (error) {
      this.#sending.delete(key);
      if (!this.#waiting.has(key)) this.#waiting.set(key, send);
      this.#later(error);
    }
    this.#tell();
    if (this.#timer === null) this.#pump();
  }

  #later(error) {
    this.report(error);
    if (this.#timer !== null) return;
    const asked = error instanceof Problem ? error.retryAfter * 1000 : 0;
    const wait = this.#isAskedAgain && !asked ? 0 : pause(this.#attempt);
    this.#isAskedAgain = false;
    this.#quietUntil = asked ? performance.now() + asked : 0;
    this.#timer = setTimeout(() => this.retryNow(), asked + wait);
    this.#attempt += 1;
  }
}
