// What the exam page asks of the service.

import { canSeal, openedPaper } from "./sealing.js";
import { Problem, Wire } from "./wire.js";

// The encrypted paper that was fetched before the start, as far as this browser still has it; null otherwise.
async function waitingPaper(sealed) {
  if (!sealed || !canSeal()) return null;
  try {
    const answer = await fetch(`/api/papers/${sealed.name}`, { cache: "only-if-cached", mode: "same-origin" });
    return answer.ok ? await openedPaper(await answer.arrayBuffer(), sealed) : null;
  } catch {
    return null;
  }
}

export class Server extends Wire {
  #sitting;
  #owner;

  constructor(sitting, onAnswer) {
    super(onAnswer);
    this.#sitting = sitting;
  }

  // A fresh CSRF token and a fresh ticket for the sitting; returns the sitting's state.
  async open() {
    this.#owner = (await this.session()).user;
    return this.state();
  }

  state() {
    return this.json("GET", this.#path(""));
  }

  // `sealed` is {name, key, digest}: what the state of an open sitting says of its encrypted paper.
  async paper(sealed) {
    return (await waitingPaper(sealed)) ?? this.json("GET", this.#path("/paper"));
  }

  clock() {
    return this.json("GET", this.#path("/clock"));
  }

  save(slot, response, keepalive = false) {
    return this.#signed("PUT", this.#path(`/responses/${slot}`), response, keepalive);
  }

  flag(slot, flagged) {
    return this.#signed("PUT", this.#path(`/flags/${slot}`), { flagged });
  }

  handIn() {
    return this.#signed("POST", this.#path("/submission"), {});
  }

  // The pages' language, so that what follows the sitting is in it too; nothing depends on its success.
  async chooseLanguage(language) {
    const form = new URLSearchParams({ language, next: "/", csrf_token: this.token });
    await fetch("/language", { method: "POST", body: form, redirect: "manual" }).catch(() => null);
  }

  #path(rest) {
    return `/api/sittings/${this.#sitting}${rest}`;
  }

  // A token that went stale (signed in again in another tab) is renewed once before anybody is troubled.
  async #signed(method, path, body, keepalive = false) {
    try {
      return await this.json(method, path, body, keepalive);
    } catch (error) {
      if (!(error instanceof Problem) || ![400, 401, 403].includes(error.status) || keepalive) throw error;
      const before = this.#owner;
      await this.open();
      if (before !== this.#owner) throw error;
      return this.json(method, path, body);
    }
  }
}
