"""Processor time of a server: its first process, those that it started, and those of them that have ended."""

import psutil


def family_seconds(pid: int | None) -> float:
    """Return the processor time until now of a process and its children; 0 for no process."""
    while pid is not None:
        first = psutil.Process(pid)
        own = first.cpu_times()
        ended = own.children_user + own.children_system
        try:
            times = [each.cpu_times() for each in first.children(recursive=True)]
        except psutil.NoSuchProcess:
            continue
        now = first.cpu_times()
        # one that ended meanwhile would be counted neither as running nor as ended: a whole session's time
        if now.children_user + now.children_system == ended:
            return float(sum(each.user + each.system for each in (own, *times)) + ended)
    return 0.0
