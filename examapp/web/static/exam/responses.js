// Responses and flags of the sitting as this page has them, and what the service is known to have.
//
// Each response carries a sequence number, one more than any known for its slot when it was changed: typing on before
// the first try keeps it, so that a tab which missed a newer answer is refused and cannot overtake it. After a reload nothing that this
// computer remembers is believed to be sent: it is compared with the service's numbers, and what is newer is sent.

import { Problem, Unreachable } from "./wire.js";

const DEBOUNCE = 400;

const same = (one, other) => JSON.stringify(one) === JSON.stringify(other);

export class Responses extends EventTarget {
  #server;
  #store;
  #outbox;
  #records = new Map(); // slot -> {seq, value, clientTime, storedSeq, storedAt, receipt, isTried, isLate, isRefused}
  #timers = new Map();
  flags = new Set();
  isLocked = false;

  constructor(server, store, outbox) {
    super();
    this.#server = server;
    this.#store = store;
    this.#outbox = outbox;
    outbox.addEventListener("change", () => this.#tell());
  }

  // Takes the service's state, then whatever this computer has that is newer.
  async load(state) {
    for (const [slot, stored] of Object.entries(state.stored)) this.#adopt(Number(slot), stored);
    this.flags = new Set((state.flags ?? []).map(Number));
    for (const record of (await this.#store.all()).values()) {
      if (record.key.startsWith("flag:")) this.#recallFlag(record);
      else this.#recall(record);
    }
    this.#tell();
  }

  value(slot) {
    return this.#records.get(slot)?.value ?? null;
  }

  isAnswered(slot) {
    return this.value(slot) !== null;
  }

  // {kind, at}: none, saved, saving, unsaved (with the outbox's trouble), late or refused.
  stateOf(slot) {
    const record = this.#records.get(slot);
    if (!record) return { kind: "none" };
    if (record.isLate) return { kind: "late" };
    if (record.isRefused) return { kind: "refused" };
    if (record.seq === record.storedSeq) return { kind: "saved", at: record.storedAt };
    return { kind: this.#outbox.trouble || this.isLocked ? "unsaved" : "saving" };
  }

  get unsaved() {
    return this.#slots((record) => record.seq !== record.storedSeq && !record.isLate && !record.isRefused);
  }

  get late() {
    return this.#slots((record) => record.isLate);
  }

  // Whether what is unsaved waits because sending fails, and not only for its turn.
  get isInTrouble() {
    return this.#outbox.trouble !== "";
  }

  // Changes whenever what is unsaved does.
  get unsavedVersion() {
    return this.unsaved.map((slot) => `${slot}:${this.#records.get(slot).seq}`).join();
  }

  // What staff carry to the service when the page cannot: the unsent responses, and the receipts of the others.
  unsent() {
    const slots = this.unsaved;
    return {
      responses: slots.map((slot) => ({ slot, ...this.#asSent(slot) })),
      receipts: [...this.#records.values()].map((record) => record.receipt).filter(Boolean),
    };
  }

  get answered() {
    return this.#slots((record) => record.value !== null).length;
  }

  // The time of the newest acknowledgement, or null.
  get lastStoredAt() {
    const times = [...this.#records.values()].map((record) => record.storedAt).filter(Boolean);
    return times.sort().at(-1) ?? null;
  }

  // The trainee gave `value` (null clears); it is remembered at once and sent a moment later.
  change(slot, value) {
    const before = this.#records.get(slot);
    if (this.isLocked || same(before?.value ?? null, value)) return;
    const storedSeq = before?.storedSeq ?? 0;
    const isUntried = before && before.seq > storedSeq && !before.isTried;
    const seq = isUntried ? before.seq : Math.max(before?.seq ?? 0, storedSeq) + 1;
    const record = { ...before, storedSeq, seq, value, clientTime: new Date().toISOString(), isTried: false, isRefused: false };
    this.#records.set(slot, record);
    this.#remember(slot, record);
    clearTimeout(this.#timers.get(slot));
    this.#timers.set(slot, setTimeout(() => this.flush(), DEBOUNCE));
    this.#tell();
  }

  // Hands everything that waits for the debounce to the outbox now.
  flush() {
    for (const [slot, timer] of this.#timers) {
      clearTimeout(timer);
      this.#enqueue(slot);
    }
    this.#timers.clear();
  }

  // The page goes away: one last attempt that the browser carries on with; what fails is sent after the next load.
  sendOnTheWayOut() {
    this.flush();
    for (const slot of this.unsaved) {
      this.#server.save(slot, this.#asSent(slot), true).catch(() => null);
    }
  }

  toggleFlag(slot) {
    if (this.isLocked) return;
    const flagged = !this.flags.has(slot);
    if (flagged) this.flags.add(slot);
    else this.flags.delete(slot);
    this.#store.put(`flag:${slot}`, { slot, flagged });
    this.#enqueueFlag(slot);
    this.#tell();
  }

  #slots(holds) {
    return [...this.#records].filter(([, record]) => holds(record)).map(([slot]) => slot);
  }

  #tell() {
    this.dispatchEvent(new Event("change"));
  }

  #adopt(slot, stored) {
    this.#records.set(slot, {
      seq: stored.seq, storedSeq: stored.seq, value: stored.value,
      storedAt: stored.stored_at ?? null, receipt: stored.receipt ?? null,
    });
  }

  // A response as the service is given it; from now on its sequence number stands for this value.
  #asSent(slot) {
    const record = this.#records.get(slot);
    record.isTried = true;
    return { seq: record.seq, value: record.value, client_time: record.clientTime ?? null };
  }

  #remember(slot, { seq, value, clientTime }) {
    this.#store.put(`response:${slot}`, { slot, seq, value, clientTime });
  }

  #recall({ slot, seq, value, clientTime }) {
    const known = this.#records.get(slot);
    if (known && known.seq >= seq) {
      if (same(known.value, value)) return;
      this.#remember(slot, known);
      this.#conflict(slot);
      return;
    }
    this.#records.set(slot, { ...known, storedSeq: known?.storedSeq ?? 0, seq, value, clientTime, isTried: true });
    this.#enqueue(slot);
  }

  #recallFlag({ slot, flagged }) {
    if (flagged) this.flags.add(slot);
    else this.flags.delete(slot);
    this.#enqueueFlag(slot);
  }

  #enqueue(slot) {
    this.#outbox.add(`response:${slot}`, () => this.#send(slot));
  }

  #enqueueFlag(slot) {
    this.#outbox.add(`flag:${slot}`, async () => {
      const flagged = this.flags.has(slot);
      await this.#server.flag(slot, flagged).catch(this.#settleRefusal);
      if (this.flags.has(slot) === flagged) await this.#store.remove(`flag:${slot}`);
    });
  }

  // A flag has no part in the score: whatever the service definitely refused is let go.
  #settleRefusal = (error) => {
    if (!(error instanceof Problem) || ![409, 422].includes(error.status)) throw error;
  };

  async #send(slot) {
    const response = this.#asSent(slot);
    try {
      const answer = await this.#server.save(slot, response);
      if (answer.seq !== response.seq) throw new Unreachable("not an acknowledgement");
      const record = this.#records.get(slot);
      Object.assign(record, { storedSeq: answer.seq, storedAt: answer.stored_at, receipt: answer.receipt });
    } catch (error) {
      if (!(error instanceof Problem) || ![409, 422].includes(error.status)) throw error;
      await this.#refused(slot, response.seq, error);
    }
  }

  async #refused(slot, seq, error) {
    const record = this.#records.get(slot);
    if (error.code === "response.stale") {
      const state = await this.#server.state();
      this.#adopt(slot, state.stored[slot]);
      this.#remember(slot, this.#records.get(slot));
      this.#conflict(slot);
    } else if (error.code === "sitting.closed") {
      record.isLate = true;
      this.dispatchEvent(new CustomEvent("closed", { detail: error.body.sitting_status }));
    } else if (record.seq === seq) {
      record.isRefused = true;
    }
  }

  #conflict(slot) {
    this.dispatchEvent(new CustomEvent("conflict", { detail: slot }));
  }
}
