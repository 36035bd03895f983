// The check before the start: what this device lacks is said now, with a remedy, not during the exam.

import { readNumber, shownNumber } from "./reading.js";

const list = document.getElementById("checks");
const FAST = 1_000;
const NARROWEST = 360;

function show(name, outcome) {
  const row = list.querySelector(`[data-check=${name}]`);
  const tag = row.querySelector(".tag");
  tag.textContent = list.dataset[outcome];
  tag.className = `tag ${outcome === "wait" ? "" : outcome}`;
  row.querySelector(".remedy").hidden = outcome === "good" || outcome === "wait";
}

// What the exam page's scripts are written with; a browser of the last three years has all of it.
function scriptsRun() {
  return [Array.prototype.at, Object.hasOwn, AbortSignal.timeout, window.ResizeObserver, window.HTMLDialogElement].every(Boolean);
}

// Writing and reading back is the only honest test: some browsers offer a database that then refuses to open.
async function storageWorks() {
  try {
    await new Promise((resolve, reject) => {
      const opening = indexedDB.open("examapp-check", 1);
      opening.onupgradeneeded = () => opening.result.createObjectStore("check");
      opening.onerror = () => reject(opening.error);
      opening.onsuccess = () => {
        const writing = opening.result.transaction("check", "readwrite");
        writing.objectStore("check").put(1, 1);
        writing.oncomplete = () => { opening.result.close(); resolve(); };
        writing.onerror = () => reject(writing.error);
      };
    });
    return true;
  } catch {
    return false;
  }
}

async function checkServer() {
  const began = performance.now();
  try {
    const answer = await fetch("/api/session", { cache: "no-store", signal: AbortSignal.timeout(10_000) });
    const session = await answer.json();
    const took = Math.round(performance.now() - began);
    document.getElementById("latency").textContent = `(${took} ms)`;
    show("server", took <= FAST ? "good" : "warn");
    show("account", session.user ? "good" : "bad");
  } catch {
    show("server", "bad");
    show("account", "warn");
  }
}

function checkFormulas() {
  const sample = document.getElementById("formula-sample");
  if (window.katex) window.katex.render(String.raw`D = D_0\,e^{-E_a/k_B T}`, sample, { throwOnError: false });
  show("formulas", window.katex ? "good" : "warn");
}

function checkTyping() {
  const field = document.getElementById("typing");
  const line = document.getElementById("typing-read");
  field.addEventListener("input", () => {
    const number = readNumber(field.value);
    if (!field.value.trim()) line.textContent = "";
    else line.textContent = number ? `${line.dataset.read} ${shownNumber(number)}` : line.dataset.unreadable;
  });
}

list.hidden = false;
for (const row of list.children) show(row.dataset.check, "wait");
show("script", scriptsRun() ? "good" : "bad");
show("screen", window.innerWidth >= NARROWEST ? "good" : "warn");
checkTyping();
checkFormulas();
checkServer();
show("storage", (await storageWorks()) ? "good" : "bad");
