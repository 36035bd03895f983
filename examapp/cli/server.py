"""The web server: one process that listens and keeps others alive, which serve with granian.

The application is loaded once and the serving processes are forked from it, so that one that died is replaced within
moments. All take connections from one queue, which outlives each of them. SIGHUP begins this program anew in the same
process, with new code and settings; it starts new serving processes and only then asks the old ones to finish. SIGTERM
asks all to finish. A process that is asked answers what it has begun, takes nothing new, and ends.
"""

import asyncio
import ctypes
import errno
import gc
import logging
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, NoReturn
from wsgiref.types import WSGIApplication

from granian._futures import _new_cbscheduler
from granian._granian import SocketHolder, WorkerSignal, WSGIWorker
from granian._signals import set_sync_signals
from granian.http import HTTP1Settings
from granian.wsgi import _callback_wrapper

BACKLOG = 4096
# granian counts every open connection against this, idle ones too
MOST_CONNECTIONS = 100_000
# between two requests of one connection; longer than the page waits between saves, or each would need a new one
KEEP_ALIVE_MILLISECONDS = 90_000
IDLE_THREAD_SECONDS = 60
# each thread that waits for the interpreter wakes so often to ask for it: with Python's 5 ms a thousand of them, at the
# bell, kept the service from getting on
SWITCH_SECONDS = 0.02
PATIENCE_SECONDS = 30
PATIENCE_AT_START_SECONDS = 10
PAUSE_SECONDS = 1.0
SIGNALS = {signal.SIGCHLD, signal.SIGHUP, signal.SIGTERM, signal.SIGINT}
# how the program that SIGHUP begins learns what it takes over
LISTENER, SERVING = "EXAMAPP_LISTENER", "EXAMAPP_SERVING"
DIE_WITH_PARENT = 1  # PR_SET_PDEATHSIG of linux/prctl.h
log = logging.getLogger("examapp.server")


@dataclass
class Server:
    """Processes that serve one WSGI application on one listening socket."""

    application: WSGIApplication
    listener: socket.socket
    processes: int
    threads: int
    # called in each serving process before it serves, with its number from 0
    begin: Callable[[int], object]
    _serving: dict[int, tuple[int, float]] = field(default_factory=dict)  # process id -> number, when it began
    _finishing: dict[int, float] = field(default_factory=dict)  # process id -> when its patience ends
    _check: "subprocess.Popen[bytes] | None" = None
    _is_ending: bool = False

    def run(self) -> None:
        """Serve until told to stop."""
        signal.pthread_sigmask(signal.SIG_BLOCK, SIGNALS)
        # what is loaded by now is never garbage; uncollected it stays shared with the forked processes
        gc.collect()
        gc.freeze()
        inherited = [int(each) for each in os.environ.pop(SERVING, "").split(",") if each]
        self._fill()
        self._finish(inherited)
        while self._serving or self._finishing:
            told = signal.sigtimedwait(SIGNALS, PAUSE_SECONDS)
            self._obey(told.si_signo if told else 0)
            self._reap()
            self._kill_the_stubborn()
            if not self._is_ending:
                self._fill()

    def _obey(self, number: int) -> None:
        if number in (signal.SIGTERM, signal.SIGINT):
            self._is_ending = True
            self._finish(list(self._serving))
        elif number == signal.SIGHUP and self._check is None and not self._is_ending:
            self._check = subprocess.Popen([*command(), "--check"], preexec_fn=_unblock)

    def _fill(self) -> None:
        while len(self._serving) < self.processes:
            number = min({*range(self.processes)} - {taken for taken, _ in self._serving.values()})
            if process := os.fork():
                self._serving[process] = (number, time.monotonic())
            else:
                self._serve(number)

    def _serve(self, number: int) -> NoReturn:
        """Never return from a forked process into what the parent was doing."""
        try:
            self.begin(number)
            serve_here(self.application, self.listener, self.threads)
        except BaseException:
            log.exception("a serving process could not begin")
        finally:
            os._exit(1)

    def _finish(self, processes: list[int]) -> None:
        for process in processes:
            self._serving.pop(process, None)
            self._finishing[process] = time.monotonic() + PATIENCE_SECONDS
            os.kill(process, signal.SIGTERM)

    def _reap(self) -> None:
        while self._serving or self._finishing or self._check:
            process, status = os.waitpid(-1, os.WNOHANG)
            if not process:
                return
            if self._check and process == self._check.pid:
                self._check = None
                self._begin_anew(os.waitstatus_to_exitcode(status))
            elif process in self._serving:
                log.error("a serving process ended: %s", os.waitstatus_to_exitcode(status))
                # one that cannot start must not be started a thousand times a second
                time.sleep(max(0.0, self._serving.pop(process)[1] + PAUSE_SECONDS - time.monotonic()))
            self._finishing.pop(process, None)

    def _begin_anew(self, refused: int) -> None:
        if refused:
            log.error("the service goes on as it was: with its new code or settings it would not start")
            return
        os.environ[LISTENER] = str(self.listener.fileno())
        os.environ[SERVING] = ",".join(str(each) for each in (*self._serving, *self._finishing))
        self.listener.set_inheritable(True)
        os.execv(sys.executable, command())  # noqa: S606 - takes this process's place

    def _kill_the_stubborn(self) -> None:
        for process, until in self._finishing.items():
            if time.monotonic() > until:
                os.kill(process, signal.SIGKILL)


def listen(bind: str) -> socket.socket:
    """Return the socket that listens on `bind` (HOST:PORT), taken over where this program was begun anew."""
    if inherited := os.environ.pop(LISTENER, ""):
        return socket.socket(fileno=int(inherited))
    host, _, port = bind.rpartition(":")
    host = host.strip("[]")
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    until = time.monotonic() + PATIENCE_AT_START_SECONDS
    while True:
        try:
            listener = socket.create_server((host, int(port)), family=family, backlog=BACKLOG)
        except OSError as error:
            # after a crash the processes that served may still be finishing what they began
            if error.errno != errno.EADDRINUSE or time.monotonic() > until:
                sys.exit(f"Cannot listen on {bind}: {error.strerror}")
            time.sleep(0.05)
        else:
            listener.setblocking(False)
            return listener


def command() -> list[str]:
    """Return the command line of this process."""
    return [sys.executable, *sys.orig_argv[1:]]


def serve_here(application: WSGIApplication, listener: socket.socket, threads: int) -> None:
    """Serve in this process, forked for it, until told to stop."""
    ctypes.CDLL(None).prctl(DIE_WITH_PARENT, signal.SIGTERM)
    told, ended = set_sync_signals(), threading.Event()
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    sys.setswitchinterval(SWITCH_SECONDS)
    _unblock()
    told.add_cb(ended.set)
    begin_to_serve(application, listener.fileno(), threads, told, asyncio.new_event_loop())
    ended.wait()
    sys.stderr.flush()
    os._exit(0)


def begin_to_serve(
    application: WSGIApplication, listener: int, threads: int, told: WorkerSignal, loop: asyncio.AbstractEventLoop
) -> None:
    """Let threads of this process serve on a listening socket, which is theirs now, until `told` is set."""
    without_tls: list[Any] = [False, None, None, None, "tls1.3", None, [], False]
    holder: list[Any] = [listener, False, BACKLOG]
    settings: list[Any] = [
        1, (None, SocketHolder(*holder)), None, 1, 64, threads, IDLE_THREAD_SECONDS,
        MOST_CONNECTIONS, "1", HTTP1Settings(header_read_timeout=KEEP_ALIVE_MILLISECONDS), None, None, *without_tls,
        (None, None),
    ]  # fmt: skip
    worker: Any = WSGIWorker(*settings)
    handler = _callback_wrapper(application, {}, None)
    worker.serve_mtr(_new_cbscheduler(loop, handler, impl_asyncio=True), loop, told)


def _unblock() -> None:
    signal.pthread_sigmask(signal.SIG_UNBLOCK, SIGNALS)
