"""What the load generator must know of this service: its contract's paths, payloads and answers.

The generator loads this file by its path and looks for `Adapter`. The audit reads each sitting over HTTP as its trainee
does, and the scored result from the database, where a recomputation from the evidence is held against it.

Options (`--adapter-opt k=v`): `seed`, the file that `examapp load seed` wrote; `database`, the database's URL; `lobby`,
the folder with the encrypted paper that pages fetched before the bell: then the start must bring the key that opens it.
Without a lobby each trainee fetches the plain paper after the start.
"""

import base64
import hashlib
import json
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from sqlalchemy import Connection, Engine, create_engine, text

from examapp.scoring.rules import rescore

_engine = next(sys.modules[name] for name in ("__main__", "exam_load") if hasattr(sys.modules.get(name), "ACK"))
ACK, STALE, CLOSED, RETRY, FATAL, Record = (
    getattr(_engine, name) for name in ("ACK", "STALE", "CLOSED", "RETRY", "FATAL", "Record")
)

RETRIED = (408, 429, 500, 502, 503, 504)
FOUND = text(
    "SELECT result.evidence, result.scaled, (SELECT count(*) FROM journal_entry WHERE "
    "journal_entry.sitting_id = :sitting AND journal_entry.kind = 'submitted') "
    "FROM result WHERE result.sitting_id = :sitting"
)
Request = tuple[str, str, dict[str, str], bytes]


class Adapter:
    """The load generator's view of the service."""

    def __init__(self, options: dict[str, str]) -> None:
        self.options = options
        self.database: Engine | None = None
        self.opened: set[str] = set()
        if "lobby" not in options:
            self.paper = self._paper

    def setup(self, n: int, bell: float, duration: float) -> list[dict[str, Any]]:
        """Return the trainees who were seeded for this bell; the window must open just before it."""
        seeded = json.loads(Path(self.options["seed"]).read_text())
        opened = bell - _epoch(seeded["opens_at"])
        if not 0 <= opened <= 8 or len(seeded["trainees"]) != n:
            raise SystemExit(f"the window opens {opened:.1f} s before the bell, for {len(seeded['trainees'])} trainees")
        return list(seeded["trainees"])

    def login(self, u: Any) -> Request:
        """Sign in with name and password."""
        body = {"username": u.cred["username"], "password": u.cred["password"]}
        return "POST", "/api/session", {"Content-Type": "application/json"}, json.dumps(body).encode()

    def on_login(self, u: Any, r: Any) -> str:
        """Keep the CSRF token."""
        if r.status != 200:
            return _other(r)
        u.token = r.json()["csrf_token"]
        return ACK

    def _headers(self, u: Any) -> dict[str, str]:
        if u.token is None:
            u.token = u.cred["csrf_token"]
            u.cookies.update(u.cred["cookies"])
        return {"Content-Type": "application/json", "X-CSRF-Token": u.token}

    def start(self, u: Any) -> Request:
        """Begin the sitting, or begin again."""
        body = json.dumps({"registration": u.cred["registration"]}).encode()
        return "POST", "/api/sittings", self._headers(u), body

    def on_start(self, u: Any, r: Any, probe: bool = False) -> str:
        """Keep the sitting, its end and its items; a probe before the bell must find the door shut."""
        if r.status in (200, 201):
            if not probe:
                answer = r.json()
                u.sitting, u.deadline = answer["sitting"], _epoch(answer["ends_at"])
                u.server_now = _epoch(answer["server_now"])
                u.items = [each["slot"] for each in answer["slots"]]
                u.x["slots"] = {each["slot"]: each for each in answer["slots"]}
                if "lobby" in self.options:
                    self._open_paper(answer["paper"])
            return ACK
        if r.status == 403 and r.json().get("code") == "sitting.not_open":
            return CLOSED if probe else RETRY
        return _other(r)

    def _open_paper(self, paper: dict[str, str]) -> None:
        """Open the encrypted paper with the key of a start; what opened once opens again."""
        if str(paper) not in self.opened:
            sealed = (Path(self.options["lobby"]) / paper["name"]).read_bytes()
            plain = AESGCM(base64.urlsafe_b64decode(paper["key"] + "=")).decrypt(sealed[:12], sealed[12:], None)
            if f"sha256:{hashlib.sha256(plain).hexdigest()}" != paper["digest"]:
                raise ValueError("the paper of the lobby is not the paper of the start")
            self.opened.add(str(paper))

    def _paper(self, u: Any) -> Request:
        return "GET", f"/api/sittings/{u.sitting}/paper", {"Accept-Encoding": "gzip"}, b""

    def on_paper(self, u: Any, r: Any) -> str:
        """Take any paper."""
        return ACK if r.status == 200 else _other(r)

    def value(self, u: Any, item: int, rnd: Any) -> Any:
        """Return a random response that the item's type takes."""
        slot = u.x["slots"][item]
        options = slot["options"]
        kind = slot["item_type"]
        if kind == "true_false":
            return rnd.random() < 0.5
        if kind == "numeric":
            return f"{rnd.uniform(0.001, 5000):.4g}"
        if kind in ("multiple_choice", "fault_finding"):
            return sorted(rnd.sample(options, rnd.randint(1, len(options))), key=int)
        if kind == "ordering":
            return rnd.sample(options, len(options))
        return rnd.choice(options)

    def answer(self, u: Any, item: int, seq: int, value: Any, key: str, client_ts: float) -> Request:
        """Save one response."""
        at = datetime.fromtimestamp(client_ts, UTC).isoformat()
        body = json.dumps({"seq": seq, "value": value, "client_time": at}).encode()
        return "PUT", f"/api/sittings/{u.sitting}/responses/{item}", self._headers(u), body

    def on_answer(self, u: Any, r: Any) -> str:
        """A save is acknowledged, overtaken by a newer one, or too late."""
        if r.status == 200:
            return ACK
        if r.status == 409:
            return {"response.stale": STALE, "sitting.closed": CLOSED}.get(r.json().get("code"), FATAL)
        return _other(r)

    def submit(self, u: Any, key: str) -> Request:
        """Hand in."""
        return "POST", f"/api/sittings/{u.sitting}/submission", self._headers(u), b""

    def on_submit(self, u: Any, r: Any) -> str:
        """Handed in, or over already."""
        if r.status == 409 and r.json().get("code") == "sitting.closed":
            return CLOSED
        return ACK if r.status == 200 else _other(r)

    def record(self, u: Any) -> Request:
        """Read the sitting back as its trainee does."""
        return "GET", f"/api/sittings/{u.sitting}", {}, b""

    def on_record_status(self, u: Any, r: Any) -> str:
        """Say whether the sitting could be read."""
        return ACK if r.status == 200 else _other(r)

    def on_record(self, u: Any, r: Any) -> Any:
        """Hold together what the trainee reads, what was scored, and what the evidence gives when scored again."""
        answer = r.json()
        stored = {int(slot): (each["seq"], each["value"]) for slot, each in answer["stored"].items()}
        row = self._connection().execute(FOUND, {"sitting": int(u.sitting, 16)}).one_or_none()
        if row is None:
            return Record(False, stored, None)
        evidence = json.loads(row[0])
        scored = {each["slot"]: each["response"] for each in evidence["items"] if each["response"] is not None}
        again = rescore({key: value for key, value in evidence.items() if key != "outcome"})["scaled"]
        same = scored == {slot: value for slot, (_, value) in stored.items() if value is not None}
        return Record(True, stored, row[2], row[1], again if same else "other responses were scored than are stored")

    def _connection(self) -> Connection:
        self.database = self.database or create_engine(self.options["database"], isolation_level="AUTOCOMMIT")
        if not hasattr(self, "_open"):
            self._open = self.database.connect()
        return self._open


def _epoch(stamp: str) -> float:
    return datetime.fromisoformat(stamp).timestamp()


def _other(r: Any) -> str:
    return str(RETRY if r.status in RETRIED else FATAL)
