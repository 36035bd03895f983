// The page before the start: counts down by the service's clock, fetches the encrypted paper while there is time, starts
// the sitting (by itself for whoever said to be ready), and waits its turn when everybody starts at once.

import { clockFace, ServerClock } from "./clock.js";
import { byId } from "./elements.js";
import { served } from "./waiting.js";
import { Problem, Wire } from "./wire.js";
import { say } from "./words.js";

const TICK = 250;
// a hall that waits for the same moment does not come in the same instant
const SPREAD = 2_000;
const LOOKS = [120_000, 240_000];
const LOOKS_AFTER_FAILURE = [5_000, 10_000];
const BEFORE_PAPER = 30_000;

const lobby = byId("lobby");
const isWaiting = lobby.dataset.state === "waiting";
const clock = new ServerClock();
const wire = new Wire((answer, sentAt, receivedAt) => {
  if (answer.server_now) clock.observe(answer.server_now, sentAt, receivedAt);
});

let isReady = false;
let isStarting = false;
let paperName = null;

// What the service says of the registration now: its opening may have been moved, its paper may have been made.
async function look() {
  const { registrations } = await wire.json("GET", "/api/registrations");
  const own = registrations.find((each) => each.registration === lobby.dataset.registration);
  clock.learnEnd(own.opens_at);
  if (own.paper && own.paper !== paperName) fetchPaper(own.paper);
  paperName = own.paper;
}

// Into the browser's own store of answers, where the exam page finds it; without it that page asks for the plain paper.
function fetchPaper(name) {
  const wait = Math.random() * Math.min(BEFORE_PAPER, Math.max(0, clock.left() / 2));
  setTimeout(() => fetch(`/api/papers/${name}`).then((answer) => answer.arrayBuffer()).catch(() => null), wait);
}

async function lookAgain() {
  const [soonest, latest] = await look().then(() => LOOKS, () => LOOKS_AFTER_FAILURE);
  setTimeout(lookAgain, soonest + Math.random() * (latest - soonest));
}

function draw() {
  const left = clock.left();
  write("lobby-start", say(isOpen() ? "lobby.begin" : isReady ? "lobby.not_ready" : "lobby.ready"));
  if (left === null) return;
  write("lobby-clock", isOpen() ? "" : clockFace(left));
  write("lobby-opens", say(isOpen() ? "lobby.open" : "lobby.opens_in"));
  if (isOpen() && isReady) startSoon();
}

// False also while the service has not yet been heard: whoever is ready by then is started like everybody.
function isOpen() {
  const left = clock.left();
  return left !== null && left <= 0;
}

function write(id, text) {
  if (byId(id).textContent !== text) byId(id).textContent = text;
}

function press() {
  if (!isWaiting || isOpen()) return start();
  isReady = !isReady;
  write("lobby-line", isReady ? say("lobby.is_ready") : "");
  return draw();
}

function startSoon() {
  isReady = false;
  write("lobby-line", say("lobby.starting"));
  setTimeout(start, Math.random() * SPREAD);
}

async function start() {
  if (isStarting) return;
  isStarting = true;
  byId("lobby-start").disabled = true;
  write("lobby-line", say("lobby.starting"));
  try {
    const { sitting } = await served(begin, (seconds) => {
      write("lobby-line", say(seconds ? "lobby.busy" : "lobby.starting"));
      write("lobby-wait", seconds ? say("lobby.next", { seconds }) : "");
    });
    location.assign(`/sittings/${sitting}`);
  } catch (error) {
    write("lobby-line", error instanceof Problem && error.body.detail ? error.body.detail : say("lobby.failed"));
    byId("lobby-start").disabled = false;
    isStarting = false;
    if (isWaiting) await look().catch(() => null);
  }
}

// A token that went stale while waiting is renewed once.
async function begin() {
  const body = { registration: lobby.dataset.registration };
  try {
    return await wire.json("POST", "/api/sittings", body);
  } catch (error) {
    if (!(error instanceof Problem) || error.code !== "csrf.failed") throw error;
    await wire.session();
    return wire.json("POST", "/api/sittings", body);
  }
}

byId("lobby-start").addEventListener("click", (event) => {
  event.preventDefault();
  press();
});
wire.token = byId("lobby-form").elements.csrf_token.value;
byId("lobby-form").hidden = false;
if (isWaiting) {
  setInterval(draw, TICK);
  lookAgain();
}
