// JSON over fetch with the CSRF token, and two kinds of failure.

// The service answered, and said no; `code` is the stable code of its problem document.
export class Problem extends Error {
  constructor(status, body, retryAfter) {
    super(body.code ?? `http.${status}`);
    this.status = status;
    this.code = body.code ?? `http.${status}`;
    this.body = body;
    this.retryAfter = retryAfter;
  }
}

// Nothing came back: no network, or nobody there.
export class Unreachable extends Error {}

const PATIENCE = 15_000;

export class Wire {
  token = "";
  #onAnswer;

  // `onAnswer(body, sentAt, receivedAt)` hears every answer: the clock learns from each. Times are performance.now().
  constructor(onAnswer) {
    this.#onAnswer = onAnswer;
  }

  // Asks who is signed in, which gives a fresh CSRF token.
  async session() {
    this.token = "";
    const session = await this.json("GET", "/api/session");
    if (!session.user) throw new Problem(401, { code: "session.none" });
    this.token = session.csrf_token;
    return session;
  }

  async json(method, path, body, keepalive = false) {
    const headers = { Accept: "application/json" };
    if (body !== undefined) headers["Content-Type"] = "application/json";
    if (this.token) headers["X-CSRF-Token"] = this.token;
    const sentAt = performance.now();
    const signal = keepalive ? undefined : AbortSignal.timeout(PATIENCE);
    let answer = null;
    let read = {};
    try {
      answer = await fetch(path, { method, headers, keepalive, signal, body: JSON.stringify(body), cache: "no-store" });
      if (answer.status !== 204) read = await answer.json();
    } catch (error) {
      // a success that says nothing is none of ours: cut off, or a network's own page
      if (!answer || answer.ok) throw new Unreachable(String(error));
    }
    const { server_now, ends_at } = read;
    this.#onAnswer(answer.ok ? read : { server_now, ends_at }, sentAt, performance.now());
    if (answer.ok) return read;
    throw new Problem(answer.status, read, Number(answer.headers.get("Retry-After")) || 0);
  }
}
