import os
import signal
import subprocess
import sys
import threading
from contextlib import closing

import pytest

from examapp.one_writer import OneWriter

# begins to write, says so, and stays
HOLDER = """
import sqlite3, sys, time
from examapp.one_writer import OneWriter
writer = sqlite3.connect(sys.argv[1], isolation_level=None, factory=OneWriter)
writer.begin_immediate()
writer.execute("INSERT INTO line VALUES ('lost')")
print("writing", flush=True)
time.sleep(60)
"""


@pytest.fixture
def path(tmp_path):
    with closing(OneWriter(str(tmp_path / "a.db"), isolation_level=None)) as writer:
        writer.execute("CREATE TABLE line (text)")
    return str(tmp_path / "a.db")


@pytest.fixture
def writer(path):
    # a short patience: what the file lock does not prevent fails at once
    with closing(OneWriter(path, isolation_level=None, timeout=0.05, check_same_thread=False)) as opened:
        yield opened


@pytest.fixture
def other(path):
    with closing(OneWriter(path, isolation_level=None, timeout=0.05, check_same_thread=False)) as opened:
        yield opened


def write(writer, text="one"):
    writer.begin_immediate()
    writer.execute("INSERT INTO line VALUES (?)", (text,))
    writer.commit()


def lines(writer):
    return [text for (text,) in writer.execute("SELECT text FROM line")]


def in_thread(act):
    done = threading.Event()

    def run():
        act()
        done.set()

    threading.Thread(target=run, daemon=True).start()
    return done


@pytest.mark.parametrize("end", [OneWriter.commit, OneWriter.rollback, OneWriter.close])
def test_the_next_writer_waits_for_the_end_of_the_first(writer, other, end):
    writer.begin_immediate()
    done = in_thread(lambda: write(other))
    assert not done.wait(0.2)
    end(writer)
    assert done.wait(10)
    assert lines(other) == ["one"]


def test_a_reader_waits_for_nobody(writer, other):
    writer.begin_immediate()
    assert lines(other) == []


def test_a_transaction_that_failed_gives_its_turn_away(path, writer, other):
    blocker = OneWriter(path, isolation_level=None)
    blocker.execute("BEGIN IMMEDIATE")  # a program that does not know of the lock
    with pytest.raises(Exception, match="locked"):
        writer.begin_immediate()
    blocker.close()
    write(other)
    assert lines(other) == ["one"]


def test_a_second_unit_of_work_in_the_same_thread_is_an_error_and_no_deadlock(writer, other):
    writer.begin_immediate()
    with pytest.raises(RuntimeError, match="inside another"):
        other.begin_immediate()
    writer.commit()
    write(other)


def test_a_killed_process_gives_its_turn_away(path, writer):
    with subprocess.Popen([sys.executable, "-c", HOLDER, path], stdout=subprocess.PIPE, text=True) as holder:
        assert holder.stdout.readline() == "writing\n"
        done = in_thread(lambda: write(writer))
        assert not done.wait(0.2)
        holder.send_signal(signal.SIGKILL)
    assert done.wait(10)
    assert lines(writer) == ["one"]


def test_a_forked_child_does_not_keep_the_turn_of_its_parent(writer, other):
    writer.begin_immediate()
    ours, theirs = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(theirs)
        os.read(ours, 1)  # lives until the parent has written
        os._exit(0)
    writer.commit()
    done = in_thread(lambda: write(other))
    assert done.wait(10)
    os.close(theirs)
    os.waitpid(child, 0)


def test_eight_threads_write_every_line(path):
    def work(number):
        with closing(OneWriter(path, isolation_level=None, timeout=0.05)) as writer:
            for line in range(20):
                write(writer, f"{number}:{line}")

    threads = [threading.Thread(target=work, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    with closing(OneWriter(path)) as reader:
        assert len(set(lines(reader))) == 160


def test_a_database_in_memory_needs_no_lock():
    with closing(OneWriter(":memory:", isolation_level=None)) as writer:
        writer.begin_immediate()
        writer.commit()
