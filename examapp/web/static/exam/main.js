// The exam page: opens the sitting, wires the parts together, shows one item at a time, and ends the page when the
// sitting is over. The address's fragment (#3, #review) is the place, so the browser's Back stays inside the sitting.

import { announce, drawBanners, hideBanner, interrupt, showBanner } from "./announcer.js";
import { ServerClock } from "./clock.js";
import { Countdown } from "./countdown.js";
import { byId } from "./elements.js";
import { learnElsewhere } from "./elsewhere.js";
import { EmergencyFile } from "./emergency.js";
import { showFlag, showItem, showItemState } from "./item.js";
import { inStep } from "./in_step.js";
import { listenForShortcuts } from "./keyboard.js";
import { Navigator } from "./navigator.js";
import { Outbox } from "./outbox.js";
import { Pause } from "./pause.js";
import { Responses } from "./responses.js";
import { HandIn, showReview } from "./review.js";
import { showEnd } from "./ending.js";
import { Server } from "./server.js";
import { openStore } from "./store.js";
import { showSaveState } from "./save_state.js";
import { drawTools, startTools } from "./tools.js";
import { served } from "./waiting.js";
import { Problem } from "./wire.js";
import { currentLanguage, say, setLanguage } from "./words.js";

const sitting = document.body.dataset.sitting;
const clock = new ServerClock();
const outbox = new Outbox();
const server = new Server(sitting, learn);
const countdown = new Countdown(clock, timeIsUp);
const pause = new Pause(() => show());
const { sync, keepInStep } = inStep(server, outbox, pause);

let store;
let paper;
let places;
let responses;
let navigator_;
let handIn;
let emergency;
let place = null; // a slot, or "review"
let isEnding = false;

function learn(answer, sentAt, receivedAt) {
  if (answer.server_now) clock.observe(answer.server_now, sentAt, receivedAt);
  if (clock.isOvertaken(answer.server_now)) return;
  learnElsewhere(answer.opened_elsewhere);
  if (pause.isNewsIn(answer)) sync();
  else if (answer.ends_at) learnEnd(answer);
  if (answer.status && answer.status !== "open" && places && !handIn.isSending) end(answer.status);
}

function learnEnd(answer) {
  const isOther = pause.learn(answer);
  const moved = clock.learnEnd(answer.ends_at, pause.isOn ? answer.server_now : null);
  countdown.draw();
  if (moved >= 0.5 && !isOther && !isEnding) countdown.extended(moved);
}

async function start() {
  const state = await patiently(() => server.open());
  store = await openStore(sitting);
  responses = new Responses(server, store, outbox);
  emergency = new EmergencyFile(sitting, state.emergency_key, responses, clock);
  if (state.status !== "open") return takeLeave(state);
  paper = await patiently(() => server.paper(state.paper));
  const items = Object.fromEntries(paper.slots.map((item) => [item.slot, item]));
  places = state.slots.map(({ slot, options }, index) => ({
    position: index + 1, count: state.slots.length, slot, item: items[slot],
    order: options?.length ? options : (items[slot].options ?? []).map((option) => option.id),
  }));
  responses.addEventListener("change", redraw);
  responses.addEventListener("conflict", (event) => conflict(event.detail));
  // past its end a sitting may be open in name until somebody closes it
  responses.addEventListener("closed", ({ detail }) => sync().then(() => end(detail === "open" ? "expired" : detail)));
  navigator_ = new Navigator(places, responses, go);
  handIn = new HandIn({ places, responses, outbox, server, finished: leave });
  await responses.load(state);
  listen();
  startTools(sitting);
  byId("loading").hidden = true;
  byId("work").hidden = false;
  follow();
  countdown.start();
  if (!store.isDurable) showBanner("store", "warn", () => say("store.none"));
  pause.guard(responses);
  keepInStep();
}

// Loading goes on by itself when the service is busy or out of reach: nobody has to reload, and no hall does so at once.
function patiently(attempt) {
  return served(attempt, (seconds) => {
    byId("loading").textContent = say(seconds ? "waiting.next" : "loading", { seconds });
  });
}

// Opened after the end: what this computer still holds is sent as evidence before the receipt is shown.
async function takeLeave(state) {
  await responses.load(state);
  if (!responses.unsaved.length) return leave();
  byId("loading").hidden = true;
  return end(state.status);
}

function listen() {
  const header = document.querySelector(".exam-header");
  new ResizeObserver(() => {
    document.documentElement.style.setProperty("--exam-header", `${header.offsetHeight}px`);
  }).observe(header);
  window.addEventListener("hashchange", follow);
  window.addEventListener("offline", sync);
  window.addEventListener("online", () => { outbox.retryNow(); sync(); });
  // a page that the browser kept aside knows nothing of what happened since
  window.addEventListener("pageshow", (event) => event.persisted && location.reload());
  window.addEventListener("pagehide", () => responses.sendOnTheWayOut());
  window.addEventListener("beforeunload", (event) => {
    if (!isEnding && responses.unsaved.length) event.preventDefault();
  });
  document.addEventListener("visibilitychange", () => {
    if (document.hidden) return responses.sendOnTheWayOut();
    outbox.retryNow();
    return sync();
  });
  outbox.addEventListener("change", redraw);
  byId("language").addEventListener("click", switchLanguage);
  byId("review-open").addEventListener("click", () => go("review"));
  byId("skip").addEventListener("click", () => byId("item-heading").focus());
  listenForShortcuts({ KeyN: () => step(1), KeyP: () => step(-1), KeyF: flagHere, KeyR: () => go("review") });
}

function go(wanted) {
  const fragment = wanted === "review" ? "#review" : `#${places.find((each) => each.slot === wanted).position}`;
  if (location.hash !== fragment) history.pushState(null, "", fragment);
  follow();
}

function follow() {
  const fragment = location.hash.slice(1);
  const isFirst = place === null;
  responses.flush();
  place = fragment === "review" ? "review" : (places[Number(fragment) - 1] ?? places[0]).slot;
  show();
  if (!isFirst) {
    byId("item-heading").focus({ preventScroll: true });
    window.scrollTo(0, 0);
  }
}

function here() {
  return places.find((each) => each.slot === place);
}

function step(by) {
  if (responses.isLocked) return;
  const at = place === "review" ? places.length : here().position - 1;
  const to = at + by;
  if (to >= places.length) go("review");
  else if (to >= 0) go(places[to].slot);
}

function flagHere() {
  if (place === "review" || responses.isLocked) return;
  responses.toggleFlag(place);
  announce(say(responses.flags.has(place) ? "flag.is_on" : "flag.is_off"));
}

function show() {
  if (place === "review") showReview(byId("item"), places, responses, go, () => handIn.ask());
  else {
    const { position } = here();
    showItem(byId("item"), here(), paper, responses, {
      previous: () => step(-1), next: () => step(1), toggleFlag: flagHere,
      isFlagged: responses.flags.has(place), isFirst: position === 1, isLast: position === places.length,
    });
  }
  navigator_.reveal(place);
  document.title = `${byId("item-heading").textContent} · ${byId("exam-title").textContent}`;
  redraw();
}

function redraw() {
  if (!navigator_ || place === null) return;
  navigator_.draw(place === "review" ? null : place);
  showSaveState(responses, outbox);
  if (place === "review") return;
  showItemState(place, responses);
  showFlag(responses.flags.has(place));
}

function conflict(slot) {
  const { position } = places.find((each) => each.slot === slot);
  const write = () => say("response.elsewhere", { position });
  showBanner(`conflict-${slot}`, "warn", write);
  announce(write());
  if (slot !== place) return;
  const hadFocus = byId("item").contains(document.activeElement);
  show();
  if (hadFocus) byId("item-heading").focus();
}

function switchLanguage() {
  const wanted = currentLanguage() === "zh" ? "en" : "zh";
  setLanguage(wanted);
  byId("exam-title").textContent = paper.title[wanted];
  server.chooseLanguage(wanted);
  show();
  drawBanners();
  drawTools();
  countdown.draw();
}

// The countdown reached zero. The service is asked first: it may have given more time that this page has not heard of.
async function timeIsUp() {
  await sync();
  if (clock.left() > 0) return countdown.start();
  return end("expired");
}

// Locks the page and sends what is left; `status` says what ended the sitting.
function end(status) {
  if (isEnding) return;
  isEnding = true;
  countdown.stop();
  pause.end();
  responses.flush();
  responses.isLocked = true;
  outbox.retryNow();
  showEnd({ status, server, outbox, responses, emergency, leave, isStillOpen: () => clock.left() > 1000 });
}

async function leave() {
  isEnding = true;
  if (!responses.unsaved.length) await store.clear();
  location.replace(document.body.dataset.receipt);
}

start().catch((error) => {
  byId("loading").hidden = true;
  const isSignedOut = error instanceof Problem && [401, 403].includes(error.status);
  showBanner("start", "bad", () => say(isSignedOut ? "start.signed_out" : "start.failed"),
    { action: { word: "start.again", run: () => location.reload() } });
  hideBanner("offline");
});
