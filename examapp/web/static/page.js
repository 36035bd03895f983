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
