// Waiting until the service has time: it says how long, nobody comes back sooner, and no two come back together.

import { pause } from "./outbox.js";
import { Problem, Unreachable } from "./wire.js";

const BUSY = [429, 502, 503, 504];

const isPassing = (error) => error instanceof Unreachable || (error instanceof Problem && BUSY.includes(error.status));

// Resolves to what `attempt` gives once it succeeds; `show(seconds)` is told each second how long until the next try
// (0: it runs now). Failures that waiting does not cure are thrown.
export async function served(attempt, show) {
  for (let tries = 0; ; tries += 1) {
    try {
      return await attempt();
    } catch (error) {
      if (!isPassing(error)) throw error;
      await countDown((error.retryAfter ?? 0) * 1000 + pause(tries), show);
    }
  }
}

async function countDown(milliseconds, show) {
  const until = performance.now() + milliseconds;
  for (let left = milliseconds; left > 0; left = until - performance.now()) {
    show(Math.ceil(left / 1000));
    await new Promise((resolve) => setTimeout(resolve, Math.min(left, 1000)));
  }
  show(0);
}
