"""Commands for item banks: checking folders, taking them into the database, giving them back, comparing, previewing."""

import html
import json
import re
from collections import Counter
from dataclasses import asdict
from pathlib import Path
from typing import Any

import click
from flask.cli import with_appcontext
from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table

from examapp.accounts.access import OPERATOR
from examapp.banks import authoring
from examapp.banks.bank_files import BANK_FILE, Finding, Reading, read_folder, write_bank
from examapp.banks.item_types import ITEM_TYPES
from examapp.banks.lints import lint
from examapp.banks.preview import Preview, preview
from examapp.cli.doors import door
from examapp.clock import now
from examapp.db import transaction
from examapp.errors import N_, NotFound

FOLDER = click.Path(exists=True, file_okay=False, path_type=Path)
_TAG = re.compile(r"<[^>]+>")
_BREAK = re.compile(r"</p>\s*<p>|<br\s*/?>|</li>|</tr>")


@click.group()
def banks() -> None:
    """Item banks: reviewed text files, and banks in the database.

    \b
    Example: examapp banks check question_banks/ic-materials
    """


@banks.command()
@click.argument("paths", nargs=-1, required=True, type=FOLDER, metavar="PATH...")
@click.option("--json", "as_json", is_flag=True, help="Print findings and counts as JSON.")
@door
def check(paths: tuple[Path, ...], as_json: bool) -> None:
    """Check bank folders: every error and warning with its place and remedy, and a table of what is there.

    PATH is a bank's folder, or a folder of such folders. Exits 1 if there are errors; warnings alone exit 0.

    \b
    Example: examapp banks check question_banks
    """
    readings = [_checked(folder) for path in paths for folder in _bank_folders(path)]
    if as_json:
        _print_json([_reading_json(reading) for reading in readings])
    else:
        for reading in readings:
            _print_findings(reading.findings)
            _print_summary(reading)
    if any(reading.errors for reading in readings):
        raise SystemExit(1)


@banks.command("import")
@click.argument("path", type=FOLDER)
@click.option("--json", "as_json", is_flag=True, help="Print the report as JSON.")
@with_appcontext
@door
def import_(path: Path, as_json: bool) -> None:
    """Check a bank's folder and store what is new in it; nothing is stored if anything is wrong.

    A file that says something else under a version that is stored is refused: raise its version.

    \b
    Example: examapp banks import question_banks/ic-materials
    """
    files = _checked(path).files()
    with transaction():
        report = authoring.import_bank(OPERATOR, files, at=now())
    if as_json:
        _print_json(report.as_json())
        return
    click.echo(
        f"{report.bank}: {len(report.new_items)} new items, {len(report.new_item_versions)} new versions, "
        f"{len(report.new_stimuli) + len(report.new_stimulus_versions)} stimuli, {report.unchanged} unchanged, "
        f"{len(report.retired)} retired, {report.new_parameters} starting parameters"
    )
    for name in report.only_in_database:
        click.echo(f"only in the database: {name} (still in use; name it under `retired` to take it out)", err=True)


@banks.command()
@click.argument("path", type=click.Path(file_okay=False, path_type=Path))
@click.option("--bank", "code", help="The bank's code; without it, the name of the folder.")
@click.option("--json", "as_json", is_flag=True, help="Print the names of the written files as JSON.")
@with_appcontext
@door
def export(path: Path, code: str | None, as_json: bool) -> None:
    """Write the newest versions of a bank to its folder; files that say the same already are left alone.

    \b
    Example: examapp banks export question_banks/ic-materials
    """
    files = authoring.export_bank(OPERATOR, code or path.resolve().name)
    written = write_bank(files, path)
    if as_json:
        _print_json({"folder": str(path), "written": written})
        return
    for name in written:
        click.echo(str(path / name))
    click.echo(f"{len(written)} of {len(files.items) + len(files.stimuli) + 1} files written", err=True)


@banks.command()
@click.argument("path", type=FOLDER)
@click.option("--json", "as_json", is_flag=True, help="Print the differences as JSON.")
@with_appcontext
@door
def diff(path: Path, as_json: bool) -> None:
    """Name what differs between a bank's folder and the database; exits 1 if anything does.

    \b
    Example: examapp banks diff question_banks/ic-materials
    """
    found = authoring.diff(OPERATOR, _checked(path).files())
    if as_json:
        _print_json([asdict(difference) for difference in found])
    for difference in found if not as_json else ():
        versions = f"folder {difference.in_folder or '-'}, database {difference.in_database or '-'}"
        fields = f": {', '.join(difference.fields)}" if difference.fields else ""
        click.echo(f"{path / difference.file}: {difference.kind} ({versions}){fields}")
    if found:
        raise SystemExit(1)


@banks.command("preview")
@click.argument("path", type=click.Path(exists=True, path_type=Path))
@click.argument("item", required=False)
@click.option("--seed", default=0, show_default=True, help="Seed of the drawn numbers and of the order of options.")
@click.option("--language", type=click.Choice(["zh", "en"]), default="en", show_default=True)
@click.option("--json", "as_json", is_flag=True, help="Print what the exam page gets, both languages.")
@door
def preview_item(path: Path, item: str | None, seed: int, language: str, as_json: bool) -> None:
    """Show an item as a trainee sees it: its file, or a bank's folder and the item's id.

    \b
    Example: examapp banks preview question_banks/ic-materials/items/ic-physics-001.yaml
    """
    folder, code = (path, item or "") if path.is_dir() else (path.resolve().parent.parent, path.stem)
    reading = read_folder(folder)
    content = reading.items.get(code)
    if content is None:
        _print_findings([finding for finding in reading.errors if Path(finding.file).stem == code])
        message = N_("There is no readable item %(item)s in %(folder)s.")
        raise NotFound("item.unknown", message, item=code, folder=folder)
    drawn = preview(content, reading.stimuli.get(content.stimulus or ""), seed)
    if as_json:
        _print_json({"item": drawn.item, "stimulus": drawn.stimulus})
    else:
        click.echo(_as_text(drawn, language))


def _bank_folders(path: Path) -> list[Path]:
    """Return `path` itself, or the banks in it when it holds none directly."""
    if (path / BANK_FILE).exists() or (path / "items").exists():
        return [path]
    return sorted(file.parent for file in path.glob(f"*/{BANK_FILE}")) or [path]


def _checked(folder: Path) -> Reading:
    reading = read_folder(folder)
    lint(reading)
    return reading


def _print_json(value: Any) -> None:
    click.echo(json.dumps(value, ensure_ascii=False, indent=2))


def _print_findings(findings: list[Finding]) -> None:
    for finding in findings:
        click.echo(str(finding), err=True)


def _counts(reading: Reading) -> dict[str, Counter[str]]:
    """Count items by area and type."""
    found: dict[str, Counter[str]] = {}
    for item in reading.items.values():
        found.setdefault(item.area, Counter())[item.type] += 1
    return dict(sorted(found.items()))


def _reading_json(reading: Reading) -> dict[str, Any]:
    findings = [
        {"file": finding.file, **asdict(finding.place), "severity": finding.severity, "code": finding.code,
         "message": finding.message}
        for finding in reading.findings
    ]  # fmt: skip
    return {
        "folder": str(reading.folder),
        "bank": reading.bank.code if reading.bank else None,
        "items": _counts(reading),
        "stimuli": len(reading.stimuli),
        "errors": len(reading.errors),
        "warnings": len(reading.findings) - len(reading.errors),
        "findings": findings,
    }


def _print_summary(reading: Reading) -> None:
    counts = _counts(reading)
    whole = sum(counts.values(), Counter())
    types = [name for name in ITEM_TYPES if whole[name]]
    table = Table(box=SIMPLE_HEAD, padding=0, title=str(reading.folder), title_justify="left")
    table.add_column("area", no_wrap=True)
    for name in (*types, "items"):
        short = name.removesuffix("_choice").removesuffix("_finding").replace("_", "/")
        table.add_column(short, justify="right", no_wrap=True)
    prefix = f"{reading.bank.field}." if reading.bank else ""
    for area, counter in counts.items():
        table.add_row(area.removeprefix(prefix), *(str(counter[name] or "") for name in types), str(counter.total()))
    table.add_section()
    table.add_row("all", *(str(whole[name]) for name in types), str(whole.total()))
    Console().print(table)
    errors = len(reading.errors)
    click.echo(f"errors: {errors}, warnings: {len(reading.findings) - errors}, stimuli: {len(reading.stimuli)}")


def _as_text(drawn: Preview, language: str) -> str:
    """Return the presented item as lines of plain text; a figure is named by where it stands."""
    parts = []
    if drawn.stimulus:
        parts.append(_plain(drawn.stimulus["text"][language]))
        parts += ["[figure]"] if drawn.stimulus["figure"] else []
    parts.append(_plain(drawn.item["stem"][language]))
    for name in ("options", "rows", "choices"):
        parts += [f"  {entry['id']}  {_plain(entry['text'][language])}" for entry in drawn.item.get(name, ())]
    if "hint" in drawn.item:
        parts.append(f"  [        ] {drawn.item['unit']}\n  {drawn.item['hint'][language]}")
    return "\n".join(parts)


def _plain(text: str) -> str:
    return html.unescape(_TAG.sub("", _BREAK.sub("\n", text))).strip()
