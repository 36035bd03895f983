"""The table that the fault runs print: what was done to the service, and what became of what it had acknowledged."""

from collections.abc import Sequence
from dataclasses import dataclass

from tests.faults.audit import Audit

# an operator's promise: this soon after a fault is over, answers are taken again
BACK_SECONDS = 5.0


@dataclass(frozen=True)
class Row:
    """One series: how many faults were injected, the audit, what may not be said and was, and each image's audit."""

    fault: str
    injected: int
    audit: Audit
    wrong: tuple[str, ...] = ()
    note: str = ""
    each: tuple[Audit, ...] = ()
    # seconds until something was acknowledged again, at most
    back: float = 0.0

    def problems(self, wanted: int) -> list[str]:
        """Return what keeps this run from showing that nothing was lost under `wanted` faults."""
        found = []
        if self.injected < wanted:
            found.append(f"only {self.injected} of {wanted} faults were injected")
        if not self.audit.acknowledged:
            found.append("nothing was acknowledged, so nothing could be lost")
        if not self.audit.is_clean:
            found.append(f"what was promised does not hold: {self.audit}")
        return found + [f"said what no service may say: {each}" for each in self.wrong[:5]]

    @property
    def is_slow(self) -> bool:
        """Whether the service came back later than promised; on a machine with much else to do that says little."""
        return self.back > BACK_SECONDS

    @property
    def loses(self) -> bool:
        """Whether a control lost what it acknowledged, in each image where there are several."""
        return all(each.lost for each in self.each or (self.audit,))


def how_soon(seconds: Sequence[float]) -> str:
    """Return when something was acknowledged again after the faults: for half of them, for 99 of 100, and at most."""
    ordered = sorted(seconds)
    half, most = ordered[len(ordered) // 2], ordered[len(ordered) * 99 // 100]
    return f"back in {half:.2f} s (half), {most:.2f} s (99 %), {ordered[-1]:.1f} s at most"


HEAD = ("fault", "injected", "acknowledged", "lost", "duplicated", "phantom", "control lost, of acknowledged")


def cells(row: Row, controls: Sequence[Row]) -> tuple[str, ...]:
    """Return a row as the table shows it."""
    # of several images each is audited for all that came before it
    last = [(each.each or (each.audit,))[-1] for each in controls]
    lost = "; ".join(f"{each.lost:,} of {each.acknowledged:,}" for each in last)
    found = row.audit
    numbers = (row.injected, found.acknowledged, found.lost, found.duplicated, found.phantom)
    return (row.fault, *(f"{number:,}" for number in numbers), lost or "-")


def table(rows: Sequence[tuple[str, ...]]) -> str:
    """Return the whole table, in columns."""
    widths = [max(len(row[column]) for row in [HEAD, *rows]) for column in range(len(HEAD))]
    lines = [HEAD, tuple("-" * width for width in widths), *rows]
    return "\n".join(
        "  ".join(
            cell.ljust(width) if column in (0, len(HEAD) - 1) else cell.rjust(width)
            for column, (cell, width) in enumerate(zip(line, widths, strict=True))
        ).rstrip()
        for line in lines
    )
