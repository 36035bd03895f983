"""Commands about records, the log and keys."""

import json
import sys
from pathlib import Path
from typing import Any

import click
from flask import current_app
from flask.cli import with_appcontext

from examapp import clock
from examapp.accounts.access import OPERATOR
from examapp.canonical import canonical_bytes, loads, utc_string
from examapp.cli.doors import door
from examapp.config import Config
from examapp.credentials import issuing, kept_checkpoint, key_store
from examapp.credentials.key_store import ALGORITHMS, KeyStore
from examapp.credentials.record import Check, Verification, open_record
from examapp.credentials.verification import verify_bundle, verify_storage
from examapp.db import transaction
from examapp.errors import N_, ExamappError, InvalidInput, Refused

INPUT = click.Path(exists=True, dir_okay=False, path_type=Path)


@click.group()
def records() -> None:
    """Signed result records."""


@records.command("verify")
@click.argument("file", type=INPUT)
@click.option("--keys", "keys_file", type=INPUT, required=True, help="The issuer's JWK set (/.well-known/jwks.json).")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@door
def verify_record(file: Path, keys_file: Path, as_json: bool) -> None:
    """Check a bundle, or a record alone, offline; exit 0 only if everything holds.

    A bundle is checked whole: signature, evidence, checkpoint, place in the log, and the score, computed again. Of a
    record alone only the signature can be checked.

    Example: examapp records verify bundle.json --keys jwks.json
    """
    verification = _verify(file.read_text(encoding="utf-8").strip(), _trusted_keys(keys_file))
    if as_json:
        click.echo(json.dumps(_as_json(verification), ensure_ascii=False, indent=2))
    else:
        for check in verification.checks:
            click.echo(f"{'holds ' if check.holds else 'FAILS '} {check.name}{': ' * bool(check.why)}{check.why}")
        if verification.facts is not None and verification.holds:
            facts = verification.facts
            decision = "passed" if facts.is_passed else "not passed"
            click.echo(f"{facts.exam} {facts.part}: {facts.scaled} of 100, {decision} ({facts.record_id})")
    sys.exit(0 if verification.holds else 1)


def _verify(text: str, trusted_keys: dict[str, Any]) -> Verification:
    if not text.startswith("{"):
        try:
            return Verification((Check("signature", True),), open_record(text, trusted_keys))
        except ExamappError as error:
            return Verification((Check("signature", False, str(error)),))
    try:
        return verify_bundle(loads(text), trusted_keys)
    except ValueError as error:
        return Verification((Check("bundle", False, f"not JSON: {error}"),))


def _trusted_keys(file: Path) -> dict[str, Any]:
    try:
        return {key["kid"]: key for key in loads(file.read_bytes())["keys"]}
    except (ValueError, TypeError, KeyError) as error:
        raise InvalidInput("keys.file", N_("%(file)s is not a JWK set with key ids."), file=str(file)) from error


def _as_json(verification: Verification) -> dict[str, Any]:
    facts = vars(verification.facts) if verification.facts and verification.holds else None
    return {"holds": verification.holds, "checks": [vars(check) for check in verification.checks], "facts": facts}


@records.command("bundle")
@click.argument("record_id")
@with_appcontext
@door
def write_bundle(record_id: str) -> None:
    """Print all that a stranger needs to verify a record.

    Example: examapp records bundle urn:uuid:0d1e... > bundle.json
    """
    click.echo(canonical_bytes(issuing.bundle(record_id)).decode())


@click.group()
def log() -> None:
    """The transparency log."""


@log.command("verify")
@click.option("--checkpoint", "files", type=INPUT, multiple=True, help="A checkpoint kept outside; repeatable.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@with_appcontext
@door
def verify_log(files: tuple[Path, ...], as_json: bool) -> None:
    """Recompute everything stored and name every row that does not hold; the checkpoint kept with the keys counts too.

    Example: examapp log verify --checkpoint checkpoint-of-last-week.txt
    """
    outside = [*kept_checkpoint.notes(_store().folder), *(file.read_text(encoding="utf-8") for file in files)]
    findings = verify_storage(_keys_or_none(), outside)
    if as_json:
        click.echo(json.dumps([vars(finding) for finding in findings], ensure_ascii=False, indent=2))
    else:
        for finding in findings:
            click.echo(str(finding))
        click.echo("Everything holds." if not findings else f"{len(findings)} findings.")
    sys.exit(1 if findings else 0)


def _keys_or_none() -> key_store.Keys | None:
    try:
        return key_store.load(_store())
    except Refused:
        click.echo("Private keys are not here: pseudonyms are not checked.", err=True)
        return None


@click.group()
def keys() -> None:
    """Signing keys."""


@keys.command("create")
@click.option("--use", type=click.Choice(sorted(ALGORITHMS)), help="Replace the key of this use.")
@with_appcontext
@door
def create(use: str | None) -> None:
    """Create the keys that are missing, or replace one; what the old one signed still verifies.

    Example: examapp keys create --use record
    """
    store = _store()
    with transaction():
        made = [key_store.create(OPERATOR, store, use, at=clock.now())] if use else key_store.create_missing(
            OPERATOR, store, at=clock.now()
        )  # fmt: skip
    key_store.forget_replaced(OPERATOR, store)
    for row in made:
        click.echo(f"Created {row.use} {row.algorithm} {row.kid}")
    if not made:
        click.echo("No key is missing.")


@keys.command("list")
@click.option("--json", "as_json", is_flag=True, help="Print the JWK set.")
@with_appcontext
@door
def list_keys(as_json: bool) -> None:
    """List the public keys, the oldest first; the last of each use signs.

    Example: examapp keys list --json > jwks.json
    """
    if as_json:
        click.echo(json.dumps(key_store.jwks(), indent=2))
        return
    for row in key_store.public_keys():
        click.echo(f"{row.use:6} {row.algorithm:8} {utc_string(row.created_at)} {row.kid}")


def _store() -> KeyStore:
    config: Config = current_app.config["EXAMAPP"]
    return KeyStore(config.key_folder, config.public_url, config.log_origin)
