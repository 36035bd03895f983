"""Calibration of more people than fit in memory at once, and the same numbers however the work is spread.

python benchmarks/irt_stream.py [--people 10000000 --items 100] [--cluster]

Writes simulated responses to a temporary file, calibrates them block by block and prints time and peak memory.
Then fits a smaller set in one piece, in blocks, in two processes and, with --cluster, on a local dask cluster, and
prints the largest difference between the estimates.
"""

from __future__ import annotations

import argparse
import resource
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

import numpy as np

from examapp.psychometrics.calibration import calibrate
from examapp.psychometrics.expectation import Block, Sums
from examapp.psychometrics.irt import Items
from examapp.psychometrics.simulation import simulate_abilities, simulate_responses

ROWS = 100_000


class FileBlocks(Sequence[Block]):
    """Blocks of a file of one byte per response, read when they are needed and not kept."""

    def __init__(self, path: Path, people: int, items: int):
        self.path, self.people, self.items = path, people, items

    def __len__(self) -> int:
        return -(-self.people // ROWS)

    def __getitem__(self, index):
        if not 0 <= index < len(self):
            raise IndexError(index)
        rows = min(ROWS, self.people - index * ROWS)
        flat = np.fromfile(self.path, dtype=np.int8, count=rows * self.items, offset=index * ROWS * self.items)
        return Block(flat.reshape(rows, self.items))


def write(path: Path, people: int, bank: Items) -> None:
    rng = np.random.default_rng(3)
    with path.open("wb") as file:
        for start in range(0, people, ROWS):
            theta = simulate_abilities(rng, min(ROWS, people - start)).astype(np.float32)[:, None]
            p = 1 / (1 + np.exp(-bank.a.astype(np.float32) * (theta - bank.b[:, 0].astype(np.float32))))
            file.write((rng.random(p.shape, dtype=np.float32) < p).astype(np.int8).tobytes())


def stream(people: int, items: int) -> None:
    rng = np.random.default_rng(1)
    bank = Items.of("2pl", a=rng.lognormal(0, 0.3, items), b=rng.normal(size=items))
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "responses"
        write(path, people, bank)
        wall, cpu = time.perf_counter(), time.process_time()
        fit = calibrate(FileBlocks(path, people, items), "2pl")
        wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    error = np.sqrt(np.mean((fit.items.a - bank.a) ** 2)), np.sqrt(np.mean((fit.items.b - bank.b) ** 2))
    print(f"{people} x {items}: converged {fit.converged} in {fit.cycles} passes, {cpu:.1f} s CPU, {wall:.1f} s wall")
    print(f"peak memory {peak:.0f} MiB; RMSE from the truth a {error[0]:.1e}, b {error[1]:.1e}")


Map = Callable[[Callable[[Block], Sums], Sequence[Block]], Iterable[Sums]]


@contextmanager
def processes() -> Iterator[Map]:
    with ProcessPoolExecutor(2) as pool:
        yield lambda function, blocks: pool.map(function, blocks)


@contextmanager
def dask_cluster() -> Iterator[Map]:
    from dask.distributed import Client, LocalCluster  # noqa: PLC0415

    with LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address=None) as cluster, Client(cluster) as client:
        yield lambda function, blocks: client.gather(client.map(function, blocks))


def compare(cluster: bool) -> None:
    rng = np.random.default_rng(5)
    bank = Items.of("2pl", a=rng.lognormal(0, 0.3, 20), b=rng.normal(size=20))
    scores = simulate_responses(rng, simulate_abilities(rng, 20_000), bank).astype(np.int8)
    settings = {"precision": "double", "tolerance": 1e-9}
    whole = calibrate(scores, "2pl", **settings).vector
    blocks = [Block(part) for part in np.array_split(scores, 7)]
    fits = {"blocks": calibrate(blocks, "2pl", **settings).vector}
    ways = [("processes", processes)] + ([("cluster", dask_cluster)] if cluster else [])
    for name, spread in ways:
        with spread() as mapped:
            fits[name] = calibrate(blocks, "2pl", map=mapped, **settings).vector
    for name, vector in fits.items():
        print(f"one piece and {name}: largest difference {np.abs(vector - whole).max():.1e}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--people", type=int, default=10_000_000)
    parser.add_argument("--items", type=int, default=100)
    parser.add_argument("--cluster", action="store_true")
    options = parser.parse_args()
    compare(options.cluster)
    if options.people:
        stream(options.people, options.items)


if __name__ == "__main__":
    main()
