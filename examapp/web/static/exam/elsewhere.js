// The sitting was opened on another device: whoever sits here knows whether that is right, and is told so.

import { announce, hideBanner, showBanner } from "./announcer.js";
import { say, timeOfDay } from "./words.js";

let shown = null;

// `at` is what an answer says: when another device opened the sitting, null if this one did since, undefined for no news.
export function learnElsewhere(at) {
  if (at === undefined || at === shown) return;
  shown = at;
  if (at === null) return hideBanner("elsewhere");
  const write = () => say("opened.elsewhere", { time: timeOfDay(at) });
  showBanner("elsewhere", "warn", write);
  announce(write());
}
