// The end: what arrived in time counts, what comes later is sent as evidence, and the page says which is which.

import { announce, hideBanner, interrupt } from "./announcer.js";
import { make, byId } from "./elements.js";
import { say } from "./words.js";

const ASK_AGAIN = 2_000;
const BANNERS = ["time", "store"];

// Keeps the outbox running until everything is settled and the service agrees that the time is over.
export function showEnd({ status, server, outbox, responses, emergency, leave, isStillOpen }) {
  let isOver = status !== "expired";

  function draw() {
    const late = responses.late.length;
    const waiting = responses.unsaved.length;
    const lines = [say(status === "voided" ? "end.saved_kept" : "end.saved_counts")];
    if (waiting) lines.push(say("end.waiting", { count: waiting }));
    if (late) lines.push(say("end.late", { count: late }));
    byId("end-heading").textContent = say(`end.${status}`);
    byId("end-lines").replaceChildren(...lines.map((line) => make("p", {}, line)));
    byId("end-receipt").hidden = !isOver || waiting > 0;
  }

  async function ask() {
    try {
      const answer = await server.clock();
      outbox.report(null);
      // time was added while nobody could be reached: the sitting goes on
      if (answer.status === "open" && isStillOpen()) return location.reload();
      isOver = true;
    } catch (error) {
      outbox.report(error);
    }
    draw();
    if (!isOver || outbox.size || responses.unsaved.length) return setTimeout(ask, ASK_AGAIN);
    // whoever lost something must be able to read it before the page changes
    if (responses.late.length) return announce(say("end.late", { count: responses.late.length }));
    return leave();
  }

  BANNERS.forEach(hideBanner);
  for (const dialog of document.querySelectorAll("dialog[open]")) dialog.close();
  byId("work").hidden = true;
  byId("end").hidden = false;
  byId("end-receipt").addEventListener("click", leave);
  outbox.addEventListener("change", draw);
  draw();
  emergency.atEnd();
  byId("end-heading").focus();
  interrupt(say(`end.${status}`));
  ask();
}
