// Sets the formulas of a page outside the exam; without JavaScript, or where KaTeX cannot read one, its TeX stays.

for (const span of document.querySelectorAll(".math[data-tex]")) {
  if (!window.katex) break;
  window.katex.render(span.dataset.tex, span, {
    throwOnError: false, trust: false, output: "htmlAndMathml", displayMode: span.classList.contains("display"),
  });
}
