// Renews the board every ten seconds; the focus stays on the link that had it. Without JavaScript a reload does the same.

const EVERY = 10_000;
const board = document.getElementById("board");
const updated = document.getElementById("updated");
const updatedAt = document.getElementById("updated-at");

function clockFace() {
  return new Intl.DateTimeFormat("en-GB", { hour: "2-digit", minute: "2-digit", second: "2-digit" }).format(new Date());
}

function showRows(html) {
  const focused = document.activeElement?.id;
  board.querySelector("tbody").innerHTML = html; // rows of our own template, from our own address
  if (focused) document.getElementById(focused)?.focus();
  updated.textContent = updated.dataset.shown;
  updatedAt.textContent = clockFace();
}

async function renew() {
  try {
    const answer = await fetch(board.dataset.rows, { redirect: "error" });
    if (!answer.ok) throw new Error(String(answer.status));
    showRows(await answer.text());
  } catch {
    updated.textContent = updated.dataset.failed;
  }
}

if (board) {
  updatedAt.textContent = clockFace();
  setInterval(() => { if (!document.hidden) renew(); }, EVERY);
  document.addEventListener("visibilitychange", () => { if (!document.hidden) renew(); });
}
