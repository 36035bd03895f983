// The page's own words in both languages, and which of them is shown. Item texts come from the paper.

const texts = JSON.parse(document.getElementById("words").textContent);
let language = document.documentElement.lang.startsWith("zh") ? "zh" : "en";

export const LANGUAGES = ["zh", "en"];

export function currentLanguage() {
  return language;
}

// say("item.heading", {n: 3}) fills in the %(n)s of the text.
export function say(key, values = {}) {
  const text = texts[language][key] ?? key;
  return text.replace(/%\((\w+)\)s/g, (whole, name) => (name in values ? String(values[name]) : whole));
}

// A text of the paper ({zh, en}) in the language shown.
export function pick(text) {
  return text ? text[language] ?? text.zh ?? text.en : "";
}

export function setLanguage(wanted) {
  language = wanted;
  document.documentElement.lang = wanted === "zh" ? "zh-Hans" : "en";
  translate(document);
}

// Fills every element that carries data-word (its text) or data-word-label (its accessible name).
export function translate(root) {
  for (const element of root.querySelectorAll("[data-word]")) element.textContent = say(element.dataset.word);
  for (const element of root.querySelectorAll("[data-word-label]")) {
    element.setAttribute("aria-label", say(element.dataset.wordLabel));
  }
}

// A time of day on the reader's clock face, with seconds.
export function timeOfDay(iso) {
  return new Intl.DateTimeFormat("en-GB", { hour: "2-digit", minute: "2-digit", second: "2-digit" }).format(new Date(iso));
}
