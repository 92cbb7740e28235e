"""Commands as a user types them, run in the process of the test."""

import json
from collections.abc import Callable
from typing import Any, NamedTuple

import pytest

from harvester.cli import main


class Said(NamedTuple):
    """How a command ended and what it printed."""

    code: int | str | None
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)


Typed = Callable[..., Said]


@pytest.fixture
def typed(capsys: pytest.CaptureFixture[str]) -> Typed:
    """`typed("index", folder)` runs a command and returns its exit code and what it printed."""

    def run(*words: object) -> Said:
        capsys.readouterr()
        with pytest.raises(SystemExit) as ended:
            main([str(word) for word in words])
        return Said(ended.value.code, *capsys.readouterr())

    return run
