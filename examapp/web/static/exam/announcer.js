// What is said to screen readers, and the banners that everybody sees.

import { make, byId } from "./elements.js";
import { say } from "./words.js";

// Says `text` politely. The region is emptied first, so that the same words are heard a second time.
export function announce(text) {
  const region = byId("announcements");
  region.textContent = "";
  setTimeout(() => { region.textContent = text; }, 100);
}

// Says that something is over: interrupts.
export function interrupt(text) {
  byId("alarms").textContent = text;
}

const shown = new Map(); // name -> {kind, write, action}

// Shows one banner per name. `write` gives its words, so that a change of language rewrites them; `action` is
// {word, run}. Without an action the banner can be put away by its reader, unless `stays`.
export function showBanner(name, kind, write, { action = null, stays = false } = {}) {
  shown.set(name, { kind, write, action, stays });
  drawBanners();
}

export function hideBanner(name) {
  if (shown.delete(name)) drawBanners();
}

export function hasBanner(name) {
  return shown.has(name);
}

export function drawBanners() {
  byId("banners").replaceChildren(
    ...[...shown].map(([name, { kind, write, action, stays }]) =>
      make("div", { className: `notice ${kind}`, "data-banner": name },
        make("div", { className: "wrap bar" },
          make("span", {}, write()),
          action && make("button", { type: "button", className: "button secondary", onclick: action.run }, say(action.word)),
          !action && !stays && make("button", { type: "button", className: "link", onclick: () => hideBanner(name) },
            say("banner.dismiss")) || null,
        ))),
  );
}
