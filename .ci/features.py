"""Print which rows of the feature table tests show: the marker `feature("T1")` on a test names the row."""

import ast
import pathlib
import sys
from collections import defaultdict

from rich.console import Console
from rich.table import Table

ROOT = pathlib.Path(__file__).resolve().parent.parent


def shown_rows() -> dict[str, list[str]]:
    """Return the tests that name each row."""
    rows: dict[str, list[str]] = defaultdict(list)
    for path in sorted((ROOT / "tests").rglob("test_*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.FunctionDef) and node.name.startswith("test_"):
                for row in _rows_of(node):
                    rows[row].append(f"{path.relative_to(ROOT / 'tests')}::{node.name}")
    return rows


def _rows_of(function: ast.FunctionDef) -> list[str]:
    return [
        str(argument.value)
        for mark in function.decorator_list
        if isinstance(mark, ast.Call) and isinstance(mark.func, ast.Attribute) and mark.func.attr == "feature"
        for argument in mark.args
        if isinstance(argument, ast.Constant)
    ]


def main() -> int:
    rows = shown_rows()
    table = Table("row", "tests", "the first of them")
    for row in sorted(rows, key=lambda name: (name[0], int(name[1:]))):
        table.add_row(row, str(len(rows[row])), rows[row][0])
    Console(width=140).print(table)
    print(f"{len(rows)} rows of the feature table are shown by tests")
    return 0


if __name__ == "__main__":
    sys.exit(main())
