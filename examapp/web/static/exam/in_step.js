// Asking the service's clock: every half a minute, and whenever something may have changed (extra time, a pause, the end,
// whether anybody is there).

// Shortest and longest milliseconds between two looks; a pause costs time until its end is heard of.
const ROUNDS = { running: [20_000, 28_000], paused: [8_000, 16_000] };

// Returns {sync, keepInStep}: one look now, and looks from now on.
export function inStep(server, outbox, pause) {
  async function sync() {
    try {
      await server.clock();
      outbox.report(null);
    } catch (error) {
      outbox.report(error);
    }
  }

  function keepInStep() {
    const [shortest, longest] = pause.isOn ? ROUNDS.paused : ROUNDS.running;
    const wait = shortest + Math.random() * (longest - shortest);
    setTimeout(() => sync().then(keepInStep), Math.max(outbox.quietFor, wait));
  }

  return { sync, keepInStep };
}
