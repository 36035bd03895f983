"""An answer in two places before it is acknowledged: PostgreSQL with a synchronous standby, by the database's settings.

The service needs nothing for it. The control has the same standby without that setting, and loses.
"""

import shutil
import signal
import tempfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from sqlalchemy import NullPool, create_engine, text

from examapp.app import create_app
from examapp.db import db
from examapp.delivery.acceptance import Request, Save
from examapp.web.sitting_api import committer
from tests import makers
from tests.cluster import USER, Cluster, programs, running_cluster
from tests.conftest import make_config, migrate

pytestmark = pytest.mark.skipif(programs() is None, reason="PostgreSQL is not installed")


class Pair:
    """A database, its standby, and a running sitting."""

    def __init__(self, primary: Cluster, standby: Cluster, sitting_id: int) -> None:
        self.primary, self.standby = primary, standby
        self.request = Request(sitting_id, Save(1, 1, "2", None), makers.AT, 1)

    def wait_for_the_standby(self) -> None:
        """Let the primary acknowledge only what the standby has on its disk too."""
        self.primary.run("ALTER SYSTEM SET synchronous_standby_names = '*'")
        self.primary.run("SELECT pg_reload_conf()")
        for _ in range(2):
            # commits wait from when the checkpointer has read the settings: before the second checkpoint at the latest
            self.primary.run("CHECKPOINT")

    def cut_off(self) -> None:
        """Let the standby hear nothing."""
        self._listen_to("")
        with create_engine(self.primary.url("exam"), poolclass=NullPool).connect() as connection:
            while connection.scalar(text("SELECT count(*) FROM pg_stat_replication")):
                connection.commit()

    def join_again(self) -> None:
        """Let it hear again."""
        self._listen_to(f"host={self.primary.folder} user={USER}")

    def _listen_to(self, address: str) -> None:
        self.standby.run(f"ALTER SYSTEM SET primary_conninfo = '{address}'")
        self.standby.run("SELECT pg_reload_conf()")

    def save(self) -> None:
        """Store a response; it is acknowledged on return."""
        committer().commit(self.request)

    def stored_after_the_primary_is_lost(self) -> list[str]:
        """Kill the database, go on with the standby, and return what it has stored."""
        self.primary.stop(signal.SIGKILL)
        self.standby.run("SELECT pg_promote()")
        with create_engine(self.standby.url("exam"), poolclass=NullPool).connect() as connection:
            return list(connection.scalars(text("SELECT value FROM stored_response")))


@pytest.fixture
def pair(tmp_path: Path) -> Iterator[Pair]:
    """A service on a cluster of its own, which another one follows."""
    folder = Path(tempfile.mkdtemp(prefix="examapp-pg-"))
    with running_cluster() as primary:
        primary.run("CREATE DATABASE exam")
        config = make_config(tmp_path, database_url=primary.url("exam"))
        migrate(config)
        standby = Cluster(folder)
        standby.follow(primary)
        standby.start()
        with create_app(config).app_context():
            sitting_id = makers.make_sitting().id
            db.session.remove()
            yield Pair(primary, standby, sitting_id)
            db.engine.dispose()
        standby.stop(signal.SIGQUIT)
    shutil.rmtree(folder)


@pytest.mark.feature("O3")
def test_an_acknowledged_answer_outlives_the_database_machine(pair):
    pair.wait_for_the_standby()
    pair.save()
    assert pair.stored_after_the_primary_is_lost() == ['"2"']


@pytest.mark.feature("O3")
def test_nothing_is_acknowledged_while_the_second_place_is_away(pair):
    pair.wait_for_the_standby()
    pair.cut_off()
    with ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(committer().commit, pair.request)
        with pytest.raises(TimeoutError):
            waiting.result(1)
        pair.join_again()
        assert waiting.result(120).entry.number == 2


def test_without_a_synchronous_standby_it_may_be_lost(pair):
    pair.cut_off()
    pair.save()
    assert pair.stored_after_the_primary_is_lost() == []
