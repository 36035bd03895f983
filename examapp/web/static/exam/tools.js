// The panel with calculator and constants: beside the item, never over it; what was calculated survives a reload.

import { announce } from "./announcer.js";
import { calculate, NotAFormula, shownResult } from "./arithmetic.js";
import { make, byId } from "./elements.js";
import { say } from "./words.js";

// CODATA 2018, the values that the items' keys are computed with.
export const CONSTANTS = [
  ["pi", "π", Math.PI, ""],
  ["kB", "kB", 1.380649e-23, "J/K"],
  ["q", "q", 1.602176634e-19, "C"],
  ["h", "h", 6.62607015e-34, "J·s"],
  ["c", "c", 299792458, "m/s"],
  ["NA", "NA", 6.02214076e23, "1/mol"],
  ["R", "R", 8.314462618, "J/(mol·K)"],
  ["F", "F", 96485.33212, "C/mol"],
  ["eps0", "ε0", 8.8541878128e-12, "F/m"],
  ["mu0", "μ0", 1.2566370614359173e-6, "N/A²"],
];
const LONGEST_TAPE = 8;

let tape = [];

export function startTools(sitting) {
  const key = `examapp.tape.${sitting}`;
  tape = readTape(key);
  byId("tools-toggle").addEventListener("click", () => {
    const panel = byId("tools");
    panel.hidden = !panel.hidden;
    byId("tools-toggle").setAttribute("aria-expanded", String(!panel.hidden));
    if (!panel.hidden) byId("formula").focus();
  });
  byId("calculator").addEventListener("submit", (event) => {
    event.preventDefault();
    work(byId("formula").value, key);
  });
  drawTools();
}

function readTape(key) {
  try {
    return JSON.parse(sessionStorage.getItem(key)) ?? [];
  } catch {
    return [];
  }
}

function names() {
  const known = Object.fromEntries(CONSTANTS.map(([name, , value]) => [name, value]));
  return { ...known, π: Math.PI, e: Math.E, ans: tape.at(-1)?.value ?? 0 };
}

function work(text, key) {
  if (!text.trim()) return;
  try {
    const value = calculate(text, names());
    tape = [...tape, { text, value }].slice(-LONGEST_TAPE);
    sessionStorage.setItem(key, JSON.stringify(tape));
    byId("formula").select();
    announce(`= ${shownResult(value)}`);
    byId("calculator-error").textContent = "";
  } catch (error) {
    if (!(error instanceof NotAFormula)) throw error;
    byId("calculator-error").textContent = say("calculator.unreadable");
  }
  drawTools();
}

export function drawTools() {
  byId("tape").replaceChildren(...tape.map(({ text, value }) => make("li", {}, `${text} = ${shownResult(value)}`)));
  byId("constants").replaceChildren(...CONSTANTS.map(([name, symbol, value, unit]) => make("tr", {},
    make("th", { scope: "row" }, symbol), make("td", {}, say(`constant.${name}`)),
    make("td", { className: "mono" }, shownResult(value)), make("td", {}, unit), make("td", { className: "mono" }, name))));
}
