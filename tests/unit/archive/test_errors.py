"""Every error of the archive has an exit code of the contract."""

import pytest

from archive import errors
from archive.errors import ArchiveError
from harvester.errors import HarvestError, MalformedPage, ProviderError, Unreachable, UsageError, WireError
from harvester.exits import exit_code

CODES = {
    errors.Damaged: 4,
    errors.DiskFailed: 4,
    errors.NotAnArchive: 2,
    errors.OtherArchive: 2,
    errors.BadIdFile: 2,
    errors.BadQuery: 2,
    errors.NoSchemas: 2,
    errors.NotBaggable: 2,
    errors.CannotDump: 2,
    errors.Busy: 3,
    errors.DiskFull: 3,
    errors.StaleIndex: 3,
    errors.NotAtRest: 3,
}


@pytest.mark.parametrize("kind", CODES)
def test_each_error_leaves_with_its_code(kind: type[ArchiveError]):
    assert exit_code(kind("what was found")) == CODES[kind]
    assert str(kind("what was found")) == "what was found"


def test_no_error_is_without_a_code_or_a_line_in_the_tree():
    assert set(ArchiveError.__subclasses__()) == set(CODES)
    assert all(f"{kind.__name__} " in (errors.__doc__ or "") for kind in CODES)
    assert all(
        f"(exit {code})" in (errors.__doc__ or "").split(kind.__name__)[1].split("\n")[0]
        for kind, code in CODES.items()
    )


def test_errors_of_a_harvest_leave_it_unfinished_and_those_of_the_operator_are_usage():
    assert exit_code(UsageError("x")) == 2
    for error in (
        MalformedPage("x"),
        Unreachable("x"),
        WireError("x"),
        ProviderError("badVerb", "x"),
        HarvestError("x"),
    ):
        assert exit_code(error) == 3


def test_a_provider_error_keeps_its_code_and_its_words():
    error = ProviderError("noRecordsMatch", "nothing")
    assert (error.code, error.message, str(error)) == ("noRecordsMatch", "nothing", "noRecordsMatch: nothing")
