// What every page gains when JavaScript is on; none of it is needed.

const summary = document.querySelector(".error-summary");
if (summary) summary.focus();

// Server times are written in UTC; show the reader's own clock face, keep UTC in the title.
for (const time of document.querySelectorAll("time[datetime]")) {
  const at = new Date(time.dateTime);
  if (Number.isNaN(at.getTime())) continue;
  time.title = time.textContent;
  time.textContent = new Intl.DateTimeFormat(document.documentElement.lang, {
    dateStyle: "medium", timeStyle: "seconds" in time.dataset ? "medium" : "short",
  }).format(at);
}

for (const form of document.querySelectorAll("form[data-once]")) {
  form.addEventListener("submit", (event) => {
    if (form.dataset.sent) event.preventDefault();
    form.dataset.sent = "1";
  });
}

// While a release replaces another, a page of one may be refused its modules by a node that has the other. A page that is
// nothing without them, and on which nobody has done anything yet, loads again as soon as the service can be reached.
async function loadAgain() {
  await new Promise((resolve) => setTimeout(resolve, 500 + Math.random() * 2000));
  const answer = await fetch(location.href, { method: "HEAD", cache: "no-store" }).catch(() => null);
  if (answer?.ok) location.reload();
  else loadAgain();
}

window.addEventListener("error", ({ target }) => {
  if (target instanceof HTMLScriptElement && "needsModules" in document.body.dataset) loadAgain();
}, true);
