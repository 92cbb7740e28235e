"""What a check of anything on disk has to say: what was read, and every problem that was found."""

from dataclasses import dataclass, field
from pathlib import Path

_HARMLESS = ("left-over", "unproven", "warning")


@dataclass(frozen=True, slots=True)
class Problem:
    """Something that is not as it was written.

    `kind` is damaged, missing, extra (a file nobody knows of), stale (an index of another state), unfetched (a hole in
    a bag); or, which is no fault, left-over (by a killed process), unproven (no digest to check) and warning (in a
    bag). `frame` and `record` count from 0 and are None where the file as a whole is meant; `code` is that of a finding
    in a bag.
    """

    kind: str
    file: str
    message: str
    frame: int | None = None
    record: int | None = None
    code: str | None = None


@dataclass(slots=True)
class VerifyReport:
    """What was read, and every problem that was found. `bytes` are those of the shards, or of the parts of a release.

    `kind` says what it is: archive, shard, release, delta, part or bag. `files` are those whose checksum was taken as
    that of a whole: of records in an archive, beside the parts in a release, all in a bag; `file_bytes` is their size.
    `quick`: only sizes and what is there were looked at.
    """

    path: Path
    shards: int = 0
    frames: int = 0
    records: int = 0
    bytes: int = 0
    refused: int = 0
    problems: list[Problem] = field(default_factory=list)
    kind: str = field(default="archive", compare=False)
    files: int = field(default=0, compare=False)
    file_bytes: int = field(default=0, compare=False)
    quick: bool = field(default=False, compare=False)

    @property
    def damaged(self) -> bool:
        return any(problem.kind in ("damaged", "missing") for problem in self.problems)

    @property
    def whole(self) -> bool:
        """Whether everything is as it was written, and nothing else is there."""
        return all(problem.kind in _HARMLESS for problem in self.problems)
