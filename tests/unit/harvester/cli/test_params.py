"""What is given twice where only one can count is refused, in every command."""

import importlib
from collections.abc import Callable
from typing import Any

import click
import pytest
from click.testing import CliRunner

from archive.errors import BadQuery
from harvester.cli import COMMANDS
from harvester.cli.execute import parameters
from harvester.cli.params import Command, pairs
from harvester.errors import UsageError


def commands() -> list[tuple[str, click.Command]]:
    return [(name, getattr(importlib.import_module(module), name)) for name, (module, _) in COMMANDS.items()]


def words_of(option: click.Option) -> list[str]:
    name = max(option.opts, key=len)
    if option.is_flag:
        return [name]
    kind = option.type
    value = kind.choices[0] if isinstance(kind, click.Choice) else "1"
    return [name, *[str(value)] * option.nargs]


@pytest.mark.parametrize(("name", "command"), commands())
def test_every_option_that_is_no_list_counts_once(name: str, command: click.Command):
    assert isinstance(command, Command)
    for option in command.params:
        if not isinstance(option, click.Option) or option.is_eager or option.multiple or option.count:
            continue
        found = CliRunner().invoke(command, [*words_of(option), *words_of(option)])
        assert found.exit_code == 2, (name, option.opts)
        assert max(option.opts, key=len) in found.output, (name, option.opts)
        assert "2 times" in found.output, (name, option.opts)


def test_two_options_that_say_the_same_thing_otherwise_exclude_each_other():
    command = dict(commands())["sql"]
    found = CliRunner().invoke(command, ["DIR", "SELECT 1", "--csv", "--json"])
    assert found.exit_code == 2
    assert "--csv and --json exclude each other" in found.output


def test_lists_may_be_given_again():
    @click.command(cls=Command)
    @click.option("--set", "sets", multiple=True)
    @click.option("-v", "verbose", count=True)
    @click.argument("paths", nargs=-1)
    def several(sets: tuple[str, ...], verbose: int, paths: tuple[str, ...]) -> None:
        click.echo(f"{len(sets)} {verbose} {len(paths)}")

    found = CliRunner().invoke(several, ["--set", "a", "--set", "b", "-v", "-v", "x", "y"])
    assert (found.exit_code, found.output) == (0, "2 2 2\n")


@pytest.mark.parametrize("read", [pairs, parameters])
def test_a_name_has_one_value(read: Callable[[tuple[str, ...]], dict[str, Any]]):
    assert len(read(("a=1", "b=2", "a=1"))) == 2
    with pytest.raises((UsageError, BadQuery), match="a"):
        read(("a=1", "b=2", "a=2"))
