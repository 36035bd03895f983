// The server's time as well as this page can know it. Date is never asked: changing the computer's clock gains nothing.

// An answer that is older than this was not overtaken: the service's clock was set back.
const SET_BACK = 30_000;

export class ServerClock {
  #offset = null; // server time (ms) minus performance.now()
  #roundTrip = Infinity;
  #newest = -Infinity; // server time of the newest answer, ms
  #held = null; // what is left while a pause lasts, ms
  endsAt = null; // ms, server time

  // An answer says that server time lay between the sending and the receiving. What still fits keeps the sharper
  // estimate; what does not fit (the computer slept, which stops performance.now()) replaces it.
  observe(serverNow, sentAt, receivedAt) {
    const server = Date.parse(serverNow);
    if (Number.isNaN(server)) return;
    const roundTrip = receivedAt - sentAt;
    const low = server - receivedAt;
    const high = server - sentAt;
    const fits = this.#offset !== null && this.#offset >= low - 5 && this.#offset <= high + 5;
    if (fits && roundTrip > this.#roundTrip) return;
    this.#offset = (low + high) / 2;
    this.#roundTrip = roundTrip;
  }

  // True for an answer that was made before one that was heard already: what it says is no longer so.
  isOvertaken(serverNow) {
    const made = Date.parse(serverNow);
    if (made < this.#newest && made > this.#newest - SET_BACK) return true;
    if (!Number.isNaN(made)) this.#newest = made;
    return false;
  }

  // Returns how many minutes the time left grew (less than 0: shrank). In a pause the end that is given is the one if
  // it ended at `pausedNow` (the server's time): what is left between the two stands still.
  learnEnd(endsAt, pausedNow = null) {
    const end = Date.parse(endsAt);
    if (Number.isNaN(end)) return 0;
    const at = performance.now();
    const before = this.left(at);
    this.endsAt = end;
    this.#held = pausedNow === null ? null : end - Date.parse(pausedNow);
    return before === null ? 0 : (this.left(at) - before) / 60_000;
  }

  now(at = performance.now()) {
    return this.#offset === null ? null : at + this.#offset;
  }

  // Milliseconds that are left; null before the first answer.
  left(at = performance.now()) {
    if (this.#held !== null) return this.#held;
    return this.#offset === null || this.endsAt === null ? null : this.endsAt - this.now(at);
  }
}

// 5025000 -> "1:23:45", 65000 -> "1:05"; rounds up, so 0:00 is shown only when nothing is left.
export function clockFace(milliseconds) {
  const seconds = Math.max(0, Math.ceil(milliseconds / 1000));
  const parts = [Math.floor(seconds / 3600), Math.floor(seconds / 60) % 60, seconds % 60];
  const padded = parts.map((part, index) => (index ? String(part).padStart(2, "0") : String(part)));
  return parts[0] ? padded.join(":") : `${parts[1]}:${padded[2]}`;
}

export const THRESHOLDS = [30, 10, 5, 1];

// The threshold in minutes that was passed between two readings of the time left, or null.
export function passed(before, after) {
  if (before === null) return null;
  const crossed = THRESHOLDS.filter((minutes) => before > minutes * 60_000 && after <= minutes * 60_000);
  return crossed.length ? crossed[crossed.length - 1] : null;
}
