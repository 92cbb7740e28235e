"""Any two states of a repository: the old release and the delta give the new release, byte for byte."""

import tempfile
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st
from support.state_archives import State, archive_of, options

from archive.releases.build import write_release
from archive.releases.delta import apply_delta, write_delta

KEYS = st.tuples(
    st.sampled_from([*(f"oai:x:{n}" for n in range(12)), "oai:x:é", "oai:x:\U0001f600", "oai:x:\uff5e"]),
    st.sampled_from(["oai_dc", "datacite"]),
)
VALUES = st.tuples(
    st.sampled_from(["2020-01-01", "2021-01-01"]), st.booleans(), st.sampled_from(["A", "B", "long " * 100])
)
STATES = st.dictionaries(KEYS, VALUES, min_size=1).map(lambda found: [State(*k, *v) for k, v in found.items()])
MAKINGS = st.fixed_dictionaries(
    {
        "form": st.sampled_from(["envelope", "bare"]),
        "layout": st.sampled_from(["jsonseq", "jsonl", "tar"]),
        "compression": st.sampled_from(["zstd", "xz", "gzip"]),
        "part_records": st.sampled_from([0, 3]),
        "frame_bytes": st.sampled_from([1, 400, 1 << 20]),
    }
)


def files(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@settings(max_examples=25)
@given(STATES, STATES, MAKINGS, MAKINGS)
def test_the_old_release_and_the_delta_give_the_new_one(
    before: list[State], after: list[State], how_before: dict[str, object], how: dict[str, object]
) -> None:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        was, now = archive_of(folder / "was", before), archive_of(folder / "now", after)
        write_release(was, folder / "old", options(**how_before | {"form": how["form"]}))
        write_release(now, folder / "new", options(**how))
        write_delta(now, folder / "old", folder / "delta", options(**how), accept_loss=True)
        apply_delta(folder / "old", folder / "delta", folder / "made")
        assert files(folder / "made") == files(folder / "new")
        assert {path.name for path in folder.iterdir()} == {"was", "now", "old", "new", "delta", "made"}
