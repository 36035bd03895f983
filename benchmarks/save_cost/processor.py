"""Processor time of a server: its first process, those that it started, and those of them that have ended."""

import psutil


def family_seconds(pid: int | None) -> float:
    """Return the processor time until now of a process and its children; 0 for no process."""
    if pid is None:
        return 0.0
    first = psutil.Process(pid)
    own = first.cpu_times()
    # of children that ended the first process keeps the sum
    times = [own, *(each.cpu_times() for each in first.children(recursive=True))]
    return float(sum(each.user + each.system for each in times) + own.children_user + own.children_system)
