"""The account of the files (law 1): those that records list end in one state each, and what is counted twice agrees."""

import sqlite3
from dataclasses import dataclass
from pathlib import Path

from archive.folder import Layout
from archive.ledger import has_table
from archive.questions import question
from archive.reading import snapshot

STATES = ("read", "absent", "forbidden", "refused", "lost", "open")
# so many records whose files are off are named
NAMED = 20


@dataclass(frozen=True, slots=True)
class FileAccount:
    """How the files of a run ended. `listed` is what records list; `left_out` more were not asked for.

    `bytes` are those of the files read, one that several records have counted each time; `off` names records whose
    files are not as many as their list says.
    """

    run: int
    listed: int
    left_out: int
    states: dict[str, int]
    bytes: int
    off: tuple[str, ...]

    @property
    def balanced(self) -> bool:
        return not self.off and self.listed == sum(self.states.values())

    @property
    def complete(self) -> bool:
        """Whether no file is refused, lost or open."""
        return self.balanced and not any(self.states[state] for state in ("refused", "lost", "open"))


@dataclass(frozen=True, slots=True)
class FilesStanding:
    """The files of an archive: the account of each run that asked for some, and what is stored, each content once."""

    runs: tuple[FileAccount, ...]
    contents: int
    bytes: int


def read_files(folder: Path) -> FilesStanding | None:
    """How the files of an archive stand, None where none were ever asked for. Raises as `snapshot` does."""
    with snapshot(Layout(folder)) as ledger:
        return files_standing(ledger)


def files_standing(ledger: sqlite3.Connection) -> FilesStanding | None:
    """The same, of a ledger that is open."""
    if not has_table(ledger, "filelists"):
        return None
    accounts = file_accounts(ledger)
    return FilesStanding(tuple(accounts), *ledger.execute(question("files_contents")).fetchone()) if accounts else None


def file_accounts(ledger: sqlite3.Connection) -> list[FileAccount]:
    """The account of each run that harvested files, in their order."""
    off: dict[int, list[str]] = {}
    for run, identifier, listed, found in ledger.execute(question("files_off"), {"limit": NAMED}):
        off.setdefault(run, []).append(f"{identifier} lists {listed} files in run {run}, {found} are counted")
    return [
        FileAccount(run, listed, left_out, dict(zip(STATES, counts, strict=True)), size, tuple(off.get(run, ())))
        for run, listed, left_out, *counts, size in ledger.execute(question("files_account"))
    ]
