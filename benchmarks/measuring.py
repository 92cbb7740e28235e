"""Processes, measured in turns: rate, CPU time and memory, as medians."""

import os
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Result:
    """One process: records a second of wall time, CPU seconds, most memory of all its processes together in MB."""

    rate: float
    cpu_seconds: float
    peak_mb: float


def measure(words: list[str], count: int) -> Result:
    """Run one process to its end. Raises CalledProcessError when it fails."""
    before, began = os.times(), time.perf_counter()
    process = subprocess.Popen(words, stdout=subprocess.DEVNULL, start_new_session=True)
    peak = [0.0]
    watcher = threading.Thread(target=_watch, args=(process, peak), daemon=True)
    watcher.start()
    code = process.wait()
    seconds, after = time.perf_counter() - began, os.times()
    watcher.join()
    if code:
        raise subprocess.CalledProcessError(code, words)
    cpu = after.children_user + after.children_system - before.children_user - before.children_system
    return Result(count / seconds, cpu, peak[0])


def _watch(process: "subprocess.Popen[bytes]", peak: list[float]) -> None:
    while process.poll() is None:
        peak[0] = max(peak[0], sum(map(_resident_mb, _group(process.pid))))
        time.sleep(0.2)


def _group(leader: int) -> list[int]:
    """Processes of the session that a process leads."""
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                if os.getsid(int(entry.name)) == leader:
                    found.append(int(entry.name))
            except OSError:
                continue
    return found


def _resident_mb(pid: int) -> float:
    """Memory of a process, pages it shares with others counted in part."""
    try:
        text = Path(f"/proc/{pid}/smaps_rollup").read_text()
    except OSError:
        return 0.0
    return next((int(line.split()[1]) / 1024 for line in text.splitlines() if line.startswith("Pss:")), 0.0)


def in_turns(
    variants: dict[str, Callable[[Path], list[str]]], counts: dict[str, int], rounds: int, what: str
) -> dict[str, Result]:
    """Each variant in turns, its order rotated; medians. A variant makes a command from the path it may write to."""
    results: dict[str, list[Result]] = {name: [] for name in variants}
    names = list(variants)
    for number in range(rounds):
        for name in names[number % len(names) :] + names[: number % len(names)]:
            with tempfile.TemporaryDirectory(prefix="harvest-bench-") as folder:
                result = measure(variants[name](Path(folder) / "out"), counts[name])
            results[name].append(result)
            print(f"  round {number + 1} {name:<10} {result.rate:>8,.0f} {what}/s", file=sys.stderr, flush=True)
    return {
        name: Result(*(statistics.median(getattr(r, field) for r in runs) for field in Result.__dataclass_fields__))
        for name, runs in results.items()
    }
