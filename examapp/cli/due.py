"""What is due: close, mark, score, certify and prepare, each found by a query, so a pass may be repeated at any time.

What was written says that it is done, and a unique key keeps it from being written twice: two workers may run at once.
"""

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from functools import partial

from flask import current_app
from sqlalchemy.exc import IntegrityError

from examapp import clock
from examapp.accounts.access import OPERATOR
from examapp.cli.steps import Pass, Patience, Run, Step, Work
from examapp.config import Config
from examapp.credentials import issuing, key_store
from examapp.credentials import log as log_of_records
from examapp.credentials.merkle import Tree
from examapp.db import snapshot, transaction
from examapp.delivery import closing, histories, paper, preparation
from examapp.delivery.histories import History
from examapp.scoring import marking, results

# so many records, certificates and prepared sittings are stored in one transaction
RECORDS, CERTIFICATES, PREPARED = 50, 8, 200


def run_due(patience: Patience | None = None) -> Pass:
    """Do everything that is due now; a worker keeps one `Patience` over its passes."""
    config: Config = current_app.config["EXAMAPP"]
    done, grace = Pass(), timedelta(seconds=config.grace_seconds)
    patience = patience or Patience()
    run, since, expire = Run(done, patience), patience.since(at=clock.now()), _expire(grace)
    run.step(expire)
    # what is closed only now may have ended long ago
    since = None if done.expired else since
    # a whole hall may hand in beside those whose time runs out, and nobody is to wait for all of it
    run.step(_mark(since), first=expire)
    run.step(_score(since))
    # before what needs keys: who waits for the bell shall not wait for them
    _prepare(done, patience)
    if not patience.is_over:
        _issue(config, done, since, patience)
    return done


def _expire(grace: timedelta) -> Step:
    return Step(
        "expire",
        lambda **page: closing.overdue(grace, at=clock.now(), **page),
        lambda ids: Work(((each.head.sitting_id, each) for each in closing.running(ids)), closing.end_of),
        lambda ends: {"expired": closing.store(OPERATOR, ends, grace, at=clock.now())},
    )


def _mark(since: datetime | None) -> Step:
    """Marks, and where nothing stands against it the result too: the journal is then read and checked once."""

    def read(ids: list[int]) -> Work:
        return Work(_histories(ids), partial(_marked_and_scored, scorer=results.Scorer()))

    def store(worked_out: Sequence[tuple[marking.Marked, results.Row | None]]) -> dict[str, int]:
        marked = marking.store(OPERATOR, [marks for marks, _ in worked_out])
        return {"marked": marked, "scored": results.store(OPERATOR, [result for _, result in worked_out if result])}

    return Step("mark", partial(marking.unmarked, since=since), read, store)


def _marked_and_scored(history: History, scorer: results.Scorer) -> tuple[marking.Marked, results.Row | None]:
    marks = marking.marks_of(history, at=clock.now())
    try:
        return marks, scorer.result_of(history, marks.by_slot, at=clock.now())
    except Exception:
        # the marks stand; scoring is tried by itself, and says what is wrong
        return marks, None


def _score(since: datetime | None) -> Step:
    def read(ids: list[int]) -> Work:
        scorer, marks = results.Scorer(), marking.newest_categories(ids)
        return Work(_histories(ids), lambda each: scorer.result_of(each, marks[each.sitting.id], at=clock.now()))

    due = partial(results.unscored, since=since)
    return Step("score", due, read, lambda rows: {"scored": results.store(OPERATOR, rows)})


def _histories(ids: list[int]) -> Iterator[tuple[int, History]]:
    return ((history.sitting.id, history) for history in histories.of(ids))


def _issue(config: Config, done: Pass, since: datetime | None, patience: Patience) -> None:
    """Record what was released and certify who passed: signed beforehand, and appended to the log in small writes."""
    store = key_store.KeyStore(config.key_folder, config.public_url, config.log_origin)
    with snapshot():
        keys = key_store.load(store)
        is_covered = log_of_records.is_covered()
    if not is_covered:
        with transaction():
            log_of_records.write_checkpoint(keys, at=clock.now())
    _record(keys, done, since, patience)
    with snapshot():
        qualified = issuing.qualified() if done.recorded or since is None else []
    for start in range(0, len(qualified), CERTIFICATES):
        if patience.is_over:
            return
        with transaction():
            part = qualified[start : start + CERTIFICATES]
            done.certified += len(issuing.certify(OPERATOR, part, at=clock.now()))


def _append(keys: key_store.Keys, tree: Tree, signed: Sequence[log_of_records.Signed]) -> int:
    try:
        with transaction():
            return log_of_records.append(OPERATOR, keys, tree, signed, at=clock.now())
    except IntegrityError:
        # another worker appended at the same place; what is left is looked at in the next pass
        return 0


def _record(keys: key_store.Keys, done: Pass, since: datetime | None, patience: Patience) -> None:
    tree: Tree | None = None
    refused: dict[str, str] = {}
    while not patience.is_over:
        with snapshot():
            signed, why = issuing.sign_due(keys, at=clock.now(), since=since, without=refused, limit=RECORDS)
            tree = tree or (log_of_records.whole_tree() if signed else None)
        refused |= why
        stored = _append(keys, tree, signed) if tree else 0
        done.recorded += stored
        if not stored and not why:
            break
    done.failures += [f"result {result}: {reason}" for result, reason in refused.items()]


def _prepare(done: Pass, patience: Patience) -> None:
    """Build the papers and draw the seeds of the sittings that begin in the next days."""
    with snapshot():
        unpublished = preparation.unpublished(at=clock.now())
    for exam_form in unpublished:
        if patience.is_over:
            return
        with snapshot():
            content = paper.build(exam_form)
        with transaction():
            paper.publish(exam_form, content)
    while not patience.is_over:
        with transaction():
            prepared = preparation.prepare_due(OPERATOR, at=clock.now(), limit=PREPARED)
        if not prepared:
            return
        done.prepared += prepared
