// The honest state of saving, in the header and as a banner: "saved" only after the service's acknowledgement.

import { announce, hasBanner, hideBanner, showBanner } from "./announcer.js";
import { byId } from "./elements.js";
import { say, timeOfDay } from "./words.js";

const TROUBLES = { offline: "bad", signed_out: "bad", busy: "warn" };

function kindOf(responses, outbox) {
  if (outbox.trouble === "offline") return "offline";
  if (!responses.unsaved.length) return responses.lastStoredAt ? "saved" : "none";
  return outbox.trouble ? "unsaved" : "saving";
}

export function showSaveState(responses, outbox) {
  const kind = kindOf(responses, outbox);
  const line = byId("save-state");
  const at = responses.lastStoredAt;
  const text = kind === "saved" ? say("state.saved_at", { time: timeOfDay(at) }) : say(`header.${kind}`, { count: responses.unsaved.length });
  if (line.textContent !== text) line.textContent = text;
  line.className = `save-state ${kind}`;
  showTrouble(outbox.trouble);
}

// A banner and one announcement when trouble begins, another announcement when it is over.
function showTrouble(trouble) {
  for (const name of Object.keys(TROUBLES)) {
    if (name === trouble && !hasBanner(name)) {
      const write = () => say(`banner.${name}`);
      showBanner(name, TROUBLES[name], write, { stays: true });
      announce(write());
    } else if (name !== trouble && hasBanner(name)) {
      hideBanner(name);
      if (!trouble) announce(say("banner.back"));
    }
  }
}
