"""kill -9 of the whole server while answers are being saved: nothing acknowledged may be lost."""

import http.client
import json
import os
import random
import signal
import socket
import subprocess
import sys
import threading
import time
from dataclasses import dataclass, field
from datetime import timedelta

import pytest

from examapp import clock
from examapp.canonical import loads
from examapp.db import db
from examapp.delivery import journal, paper
from examapp.delivery.tickets import Ticket, csrf_digest, csrf_token, sign
from tests.conftest import SECRET
from tests.makers import FOUR_TYPES, make_administration, make_content, make_exam_form, make_registration, make_sitting

SESSION_TOKEN = "the secret token of a browser session"
CSRF = csrf_token(SESSION_TOKEN, SECRET)
CLIENTS = 4


@dataclass
class Line:
    """One trainee's connection: what was sent and what was acknowledged."""

    sitting_id: int
    ticket: str
    port: int
    sent: set[tuple[int, int]] = field(default_factory=set)
    acknowledged: dict[tuple[int, int], str] = field(default_factory=dict)

    def work(self, stop: threading.Event) -> None:
        """Save one response after another until told to stop; a broken connection is made anew."""
        seq, connection = 0, None
        while not stop.is_set():
            seq += 1
            try:
                connection = connection or http.client.HTTPConnection("127.0.0.1", self.port, timeout=5)
                self._save(connection, 1, seq)
            except (OSError, http.client.HTTPException):
                connection = None
                time.sleep(0.01)

    def _save(self, connection: http.client.HTTPConnection, slot: int, seq: int) -> None:
        self.sent.add((slot, seq))
        connection.request(
            "PUT", f"/api/sittings/{self.sitting_id:016x}/responses/{slot}",
            json.dumps({"seq": seq, "value": str(1 + seq % 4)}),
            {"Cookie": f"ticket={self.ticket}", "X-CSRF-Token": CSRF, "Content-Type": "application/json"},
        )  # fmt: skip
        answer = connection.getresponse()
        body = json.loads(answer.read())
        assert answer.status == 200, body
        self.acknowledged[slot, seq] = body["receipt"]


@pytest.fixture
def lines(app):
    exam_form = make_exam_form(contents=[make_content(kind) for kind in FOUR_TYPES])
    administration = make_administration(exam_form, opens_at=clock.now() - timedelta(minutes=1),
                                         closes_at=clock.now() + timedelta(hours=2))  # fmt: skip
    sittings = [make_sitting(make_registration(administration=administration), at=clock.now()) for _ in range(CLIENTS)]
    paper.of_form(exam_form.id)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    expires = int(clock.now().timestamp()) + 7200
    return [
        Line(
            each.id,
            sign(Ticket(each.id, each.exam_form_id, each.epoch, csrf_digest(SESSION_TOKEN), expires), SECRET),
            port,
        )
        for each in sittings
    ]


def kill_repeatedly(config, lines, kills, *options):
    """Run the clients while the server is killed and started again; return how often it died."""
    environment = {
        **os.environ, "EXAMAPP_SECRET_KEY": config.secret_key, "EXAMAPP_DATABASE_URL": config.database_url,
        "EXAMAPP_KEY_FOLDER": str(config.key_folder),
    }  # fmt: skip
    command = [sys.executable, "-m", "tests.faults.server", str(lines[0].port), *options]
    server = subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, env=environment
    )
    assert server.stdout.readline() == "ready\n"
    stop, rng, died = threading.Event(), random.Random(2026), 0
    workers = [threading.Thread(target=line.work, args=(stop,)) for line in lines]
    for worker in workers:
        worker.start()
    for _ in range(kills):
        before = sum(len(line.acknowledged) for line in lines)
        server.stdin.write("start\n")
        server.stdin.flush()
        child = int(server.stdout.readline())
        patience = time.monotonic() + 20
        while sum(len(line.acknowledged) for line in lines) < before + 5 and time.monotonic() < patience:
            time.sleep(0.005)
        time.sleep(rng.uniform(0.0, 0.15))
        os.kill(child, signal.SIGKILL)
        died += server.stdout.readline() == "gone\n"
    stop.set()
    for worker in workers:
        worker.join()
    server.stdin.close()
    server.wait(10)
    server.stdout.close()
    return died


def missing(line):
    """Return what was acknowledged to a trainee and is not in the journal."""
    db.session.rollback()
    kept = {}
    for row in journal.entries(line.sitting_id):
        if row.kind == "responded":
            body = loads(row.body)
            kept[body["slot"], body["seq"]] = (body["value"], f"{row.number}:{row.digest.removeprefix('sha256:')}")
    assert set(kept) <= line.sent, "the journal holds what nobody sent"
    return {key for key in line.acknowledged if key not in kept}


@pytest.mark.slow
def test_fifty_kills_lose_no_acknowledged_answer(config, lines):
    assert kill_repeatedly(config, lines, 50) == 50
    acknowledged = sum(len(line.acknowledged) for line in lines)
    assert acknowledged > 250
    assert [missing(line) for line in lines] == [set()] * CLIENTS
    for line in lines:
        receipts = {f"{row.number}:{row.digest.removeprefix('sha256:')}" for row in journal.entries(line.sitting_id)}
        assert set(line.acknowledged.values()) <= receipts
    print(f"50 kills, {acknowledged} acknowledged, 0 lost")


@pytest.mark.slow
def test_acknowledging_before_the_commit_loses_answers(config, lines):
    assert kill_repeatedly(config, lines, 15, "acknowledge-early") == 15
    lost = sum(len(missing(line)) for line in lines)
    assert lost > 0, "the control must lose, or the test above shows nothing"
    print(f"control: {lost} of {sum(len(line.acknowledged) for line in lines)} acknowledged answers lost")
