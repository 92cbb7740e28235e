"""How a command ends that raises, whatever it raises."""

import errno

import click
import pytest

from harvester import cli


def ended(monkeypatch: pytest.MonkeyPatch, error: BaseException) -> int:
    """The exit code of a command that raises."""

    @click.command()
    def raising() -> None:
        raise error

    monkeypatch.setattr(cli, "raising", raising, raising=False)
    monkeypatch.setitem(cli.COMMANDS, "raising", ("harvester.cli", "raises"))
    with pytest.raises(SystemExit) as end:
        cli.main(["raising"])
    return int(str(end.value.code))


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (OSError(errno.EIO, "Input/output error", "a/b"), "a/b: Input/output error"),
        (OSError(errno.EXDEV, "Invalid cross-device link", "a", None, "b"), "a b: Invalid cross-device link"),
        (OSError(errno.EMFILE, "Too many open files"), "[Errno 24] Too many open files"),
        (
            PermissionError(errno.EACCES, "Permission denied", "\x1b[2J"),
            "\ufffd[2J: Permission denied",
        ),
    ],
)
def test_what_the_system_refuses_is_one_line_that_names_the_file(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], error: OSError, said: str
):
    assert ended(monkeypatch, error) == cli.UNFINISHED
    assert capsys.readouterr().err == f"harvester: {said}; when that is mended, run the same command again\n"


def test_a_mistake_of_ours_is_not_taken_for_one_of_the_system(monkeypatch: pytest.MonkeyPatch):
    with pytest.raises(ZeroDivisionError):
        ended(monkeypatch, ZeroDivisionError())
