// Talking to the service: JSON over fetch, the CSRF token, and two kinds of failure.

import { canSeal, openedPaper } from "./sealing.js";

// The service answered, and said no; `code` is the stable code of its problem document.
export class Problem extends Error {
  constructor(status, body, retryAfter) {
    super(body.code ?? `http.${status}`);
    this.status = status;
    this.code = body.code ?? `http.${status}`;
    this.body = body;
    this.retryAfter = retryAfter;
  }
}

// Nothing came back: no network, or nobody there.
export class Unreachable extends Error {}

const PATIENCE = 15_000;

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

export class Server {
  #token = "";
  #sitting;
  #onAnswer;

  // `onAnswer(body, sentAt, receivedAt)` hears every answer: the clock learns from each. Times are performance.now().
  constructor(sitting, onAnswer) {
    this.#sitting = sitting;
    this.#onAnswer = onAnswer;
  }

  // A fresh CSRF token and a fresh ticket for the sitting; returns the sitting's state.
  async open() {
    this.#token = "";
    this.session = await this.#json("GET", "/api/session");
    if (!this.session.user) throw new Problem(401, { code: "session.none" });
    this.#token = this.session.csrf_token;
    return this.state();
  }

  state() {
    return this.#json("GET", this.#path(""));
  }

  // `sealed` is {name, key, digest}: what the state of an open sitting says of its encrypted paper.
  async paper(sealed) {
    return (await waitingPaper(sealed)) ?? this.#json("GET", this.#path("/paper"));
  }

  clock() {
    return this.#json("GET", this.#path("/clock"));
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
    const form = new URLSearchParams({ language, next: "/", csrf_token: this.#token });
    await fetch("/language", { method: "POST", body: form, redirect: "manual" }).catch(() => null);
  }

  #path(rest) {
    return `/api/sittings/${this.#sitting}${rest}`;
  }

  // A token that went stale (signed in again in another tab) is renewed once before anybody is troubled.
  async #signed(method, path, body, keepalive = false) {
    try {
      return await this.#json(method, path, body, keepalive);
    } catch (error) {
      if (!(error instanceof Problem) || ![400, 401, 403].includes(error.status) || keepalive) throw error;
      const before = this.session.user;
      await this.open();
      if (JSON.stringify(before) !== JSON.stringify(this.session.user)) throw error;
      return this.#json(method, path, body);
    }
  }

  async #json(method, path, body, keepalive = false) {
    const headers = { Accept: "application/json" };
    if (body !== undefined) headers["Content-Type"] = "application/json";
    if (this.#token) headers["X-CSRF-Token"] = this.#token;
    const sentAt = performance.now();
    const signal = keepalive ? undefined : AbortSignal.timeout(PATIENCE);
    let answer;
    let read;
    try {
      answer = await fetch(path, { method, headers, keepalive, signal, body: JSON.stringify(body), cache: "no-store" });
      read = answer.status === 204 ? {} : await answer.json().catch(() => ({}));
    } catch (error) {
      throw new Unreachable(String(error));
    }
    const { server_now, ends_at } = read;
    this.#onAnswer(answer.ok ? read : { server_now, ends_at }, sentAt, performance.now());
    if (answer.ok) return read;
    throw new Problem(answer.status, read, Number(answer.headers.get("Retry-After")) || 0);
  }
}
