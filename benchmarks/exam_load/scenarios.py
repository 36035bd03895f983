"""The standard scenarios: how many trainees, what goes wrong, and what must hold."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Scenario:
    """One load: the generator's flags, the milliseconds that must hold, and what is done to the server meanwhile.

    `duration` is the seconds from the bell to the end of all sittings. Trainees whose number is under `signed_in` times
    all of them bring the session of an earlier sign-in; passwords are hashed for the others within `lobby` seconds.
    """

    trainees: int
    duration: int
    flags: tuple[str, ...]
    limits: tuple[tuple[str, float], ...] = ()
    lobby: int = 20
    signed_in: float = 1.0
    kills_at: tuple[int, ...] = ()
    idle_connections: int = 0


# milliseconds to acknowledgement, with every retry, backoff and queue in them
BELL = (("start.p99", 1000.0), ("answer.p99", 250.0), ("submit.p99", 2000.0))
# the generator's own faults (cut lines, lost replies) cost a backoff of up to half a second and are no latency of ours
CLEAN = ("--cut", "0", "--lose", "0", "--offline", "0")
# one load with and without idle connections beside it
BESIDE_IDLE = ("--think", "1", "--bell", "5", *CLEAN)
IDLE_BYTES = 120_000_000

SCENARIOS = {
    "smoke": Scenario(200, 12, ("--think", "1", "--bell", "1", "--rush-window", "3"), lobby=4, signed_in=0.9),
    "room": Scenario(500, 120, ("--think", "15", "--bell", "5"), signed_in=0.8),
    "hall": Scenario(5000, 300, ("--think", "20", "--bell", "10", "--rush-window", "30", *CLEAN), BELL),
    "storm": Scenario(2000, 60, ("--think", "2", "--bell", "0"), lobby=30),
    "tunnel": Scenario(
        500, 120,
        ("--think", "5", "--cut", ".05", "--lose", ".1", "--dup", ".1", "--offline", ".05", "--reorder", ".1"),
    ),
    "power": Scenario(500, 120, ("--think", "5"), kills_at=(20, 60, 100)),
    "idle": Scenario(500, 60, BESIDE_IDLE, lobby=8, idle_connections=8000),
    "alone": Scenario(500, 60, BESIDE_IDLE, lobby=8),
    "knee": Scenario(1000, 30, ("--think", "0.3", "--bell", "2", "--no-audit", *CLEAN)),
    "stretch": Scenario(20000, 300, ("--think", "20", "--bell", "10", "--rush-window", "30", *CLEAN), BELL),
}  # fmt: skip
