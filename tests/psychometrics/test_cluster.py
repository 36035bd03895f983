"""Calibration whose blocks are summed by the workers of a cluster: the numbers of one process, to 1e-9."""

from functools import partial

import numpy as np
import pytest
from distributed import Client, LocalCluster

from examapp.psychometrics.calibration import calibrate
from examapp.psychometrics.expectation import Block
from examapp.psychometrics.irt import Items
from examapp.psychometrics.simulation import simulate_abilities, simulate_responses

ITEMS = Items.of("2pl", a=np.linspace(0.7, 1.6, 12), b=np.linspace(-1.5, 1.5, 12))


@pytest.fixture(scope="module")
def client():
    """Two workers in this process: the same protocol and scheduler as on machines of their own."""
    with (
        LocalCluster(n_workers=2, threads_per_worker=1, processes=False, dashboard_address=None) as cluster,
        Client(cluster) as client,
    ):
        yield client


@pytest.fixture(scope="module")
def responses():
    rng = np.random.default_rng(3)
    return simulate_responses(rng, simulate_abilities(rng, 900), ITEMS, rng.random((900, 12)) < 0.8)


def gathered(client, done, function, blocks):
    """A calibration's `map`: every block is sent to a worker, and the sums come back in the blocks' order."""
    futures = client.map(function, blocks, pure=False)
    done.update(client.who_has(futures).keys())
    return client.gather(futures)


@pytest.mark.parametrize("precision", ["double", "single"])
def test_one_process_blocks_and_a_cluster_give_the_same_numbers(client, responses, precision):
    scores = np.where(np.isnan(responses), -1, responses).astype(np.int8)
    blocks = [Block(scores[start : start + 128]) for start in range(0, 900, 128)]
    done = set()
    whole, parts, spread = (
        calibrate(given, "2pl", precision=precision, map=way)
        for given, way in (
            ([Block(scores)], None),
            (blocks, None),
            (blocks, partial(gathered, client, done)),
        )
    )
    assert len(done) >= len(blocks) * spread.cycles
    assert np.array_equal(parts.vector, spread.vector)
    if precision == "double":
        assert np.allclose(whole.vector, spread.vector, rtol=0, atol=1e-9)
        assert abs(whole.log_likelihood - spread.log_likelihood) < 1e-9 * abs(whole.log_likelihood)
