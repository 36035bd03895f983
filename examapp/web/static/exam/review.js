// The review page inside the sitting, and handing in: what is missing is named with links before anything ends.

import { make, byId } from "./elements.js";
import { FILTERS } from "./navigator.js";
import { Problem } from "./wire.js";
import { say } from "./words.js";

const PATIENCE = 20_000;

export function showReview(target, places, responses, go, askHandIn) {
  const sections = ["unanswered", "flagged", "unsaved"].map((name) => {
    const found = places.filter(({ slot }) => FILTERS[name](slot, responses));
    return make("section", {}, make("h2", {}, `${say(`review.${name}`)} (${found.length})`),
      found.length ? make("ul", { className: "cells" }, found.map(({ position, slot }) =>
        make("li", {}, make("button", { type: "button", className: "cell", onclick: () => go(slot) },
          make("span", { "aria-hidden": "true" }, String(position)),
          make("span", { className: "visually-hidden" }, say("navigator.item", { position }))))))
        : make("p", { className: "muted" }, say("review.none")));
  });
  target.replaceChildren(
    make("h1", { id: "item-heading", className: "item-heading", tabIndex: -1 }, say("review.heading")),
    make("p", { className: "lede" }, say("review.answered", { answered: responses.answered, count: places.length })),
    ...sections,
    make("p", {}, say("review.explain")),
    make("div", { className: "item-actions" },
      make("button", { type: "button", className: "button secondary", onclick: () => go(places.at(-1).slot) }, say("review.back")),
      make("button", { type: "button", className: "button warn", id: "hand-in", onclick: askHandIn }, say("hand_in.open"))));
}

// Asks once, with counts; then sends what is unsaved, hands in, and calls `finished` with the receipt.
export class HandIn {
  #places;
  #responses;
  #outbox;
  #server;
  #finished;
  isSending = false;

  constructor({ places, responses, outbox, server, finished }) {
    this.#places = places;
    this.#responses = responses;
    this.#outbox = outbox;
    this.#server = server;
    this.#finished = finished;
    byId("hand-in-confirm").addEventListener("click", () => this.#handIn());
    byId("hand-in-cancel").addEventListener("click", () => byId("hand-in-dialog").close());
  }

  ask() {
    const unanswered = this.#places.length - this.#responses.answered;
    const lines = [say("review.answered", { answered: this.#responses.answered, count: this.#places.length })];
    if (unanswered) lines.push(say("hand_in.unanswered", { count: unanswered }));
    if (this.#responses.flags.size) lines.push(say("hand_in.flagged", { count: this.#responses.flags.size }));
    if (this.#responses.unsaved.length) lines.push(say("hand_in.unsaved", { count: this.#responses.unsaved.length }));
    byId("hand-in-counts").replaceChildren(...lines.map((line) => make("li", {}, line)));
    byId("hand-in-progress").textContent = "";
    byId("hand-in-dialog").showModal();
  }

  async #handIn() {
    const button = byId("hand-in-confirm");
    button.disabled = true;
    this.isSending = true;
    byId("hand-in-progress").textContent = say("hand_in.sending");
    try {
      this.#responses.flush();
      this.#outbox.retryNow();
      // whatever could not be saved would be lost by handing in, so it goes first
      if (!(await this.#outbox.settled(PATIENCE))) throw new Error("unsaved");
      if ((await this.#server.handIn()).status !== "submitted") throw new Error("no receipt");
      await this.#finished();
    } catch (error) {
      if (error instanceof Problem && error.code === "sitting.closed") this.#finished();
      else byId("hand-in-progress").textContent = say("hand_in.failed");
    } finally {
      this.isSending = false;
      button.disabled = false;
    }
  }
}
