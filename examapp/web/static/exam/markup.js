// Putting the paper's HTML on the page. It was cleaned when the item was published; a second, smaller allow-list here
// keeps a damaged paper from becoming more than text. Formulas are set by KaTeX, figures are shown as images.

import { make } from "./elements.js";

const TAGS = new Set(("P BR HR SPAN DIV B I EM STRONG SUB SUP U S CODE PRE UL OL LI TABLE THEAD TBODY TR TH TD CAPTION " +
  "BLOCKQUOTE DL DT DD H3 H4 H5 H6").split(" "));
const ATTRIBUTES = new Set(["class", "lang", "data-tex", "scope", "colspan", "rowspan", "start"]);

export function markup(html) {
  const parsed = new DOMParser().parseFromString(html, "text/html");
  for (const element of [...parsed.body.querySelectorAll("*")]) {
    if (!TAGS.has(element.tagName)) element.replaceWith(element.textContent);
    else for (const { name } of [...element.attributes]) if (!ATTRIBUTES.has(name)) element.removeAttribute(name);
  }
  for (const span of parsed.body.querySelectorAll(".math[data-tex]")) setFormula(span);
  const fragment = document.createDocumentFragment();
  fragment.append(...[...parsed.body.childNodes].map((node) => document.adoptNode(node)));
  return fragment;
}

// Without KaTeX, or with a formula that it cannot read, the TeX itself stays readable.
function setFormula(span) {
  if (!window.katex) return;
  window.katex.render(span.dataset.tex, span, {
    throwOnError: false, trust: false, output: "htmlAndMathml", displayMode: span.classList.contains("display"),
  });
}

// The text of a piece of markup without its tags, for places that take no markup (the lines of a select).
export function plainText(html) {
  return new DOMParser().parseFromString(html, "text/html").body.textContent.trim();
}

// The figure says itself, in its language, what somebody who cannot see it needs to know.
export function figure(svg, otherwise) {
  const root = new DOMParser().parseFromString(svg, "image/svg+xml").documentElement;
  const image = make("img", { alt: root.getAttribute("aria-label") || otherwise });
  image.src = `data:image/svg+xml;charset=utf-8,${encodeURIComponent(svg)}`;
  return image;
}
