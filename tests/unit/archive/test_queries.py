"""archive/sql: no question walks all requests for each outcome."""

import re
from contextlib import closing
from itertools import pairwise
from pathlib import Path

import pytest
from support import archive_builder

from archive import queries
from archive.store import ledger
from archive.store.layout import Layout
from archive.store.snapshots import read_only

FOLDER = Path(queries.__file__).parent / "sql"
# in SQLite, and about the outcomes of requests
ASKED = sorted(path.stem for path in FOLDER.glob("*.sql") if "o.outcome BETWEEN r.first_outcome" in path.read_text())


def statements() -> list[tuple[str, str]]:
    found = [("doubtful", ledger._DOUBTFUL.split("AS\n", 1)[1])]
    for name in ASKED:
        text = re.sub(r"CREATE TEMP TABLE \w+ AS", "", re.sub(r"--.*", "", queries.question(name)))
        found += [(name, one) for one in text.split(";") if re.match(r"\s*(SELECT|WITH)", one)]
    return found


@pytest.mark.parametrize(("name", "statement"), statements())
def test_outcomes_are_found_by_their_requests_and_not_the_other_way(tmp_path: Path, name: str, statement: str):
    archive_builder.ended(tmp_path / "a", [["oai:x:1"]])
    with closing(read_only(Layout(tmp_path / "a").ledger)) as db:
        db.create_function("local_id", 1, str)
        for table in ("own", "parts"):  # what splits_ids fills for the questions after it
            db.execute(f"CREATE TEMP TABLE {table} (identifier TEXT)")
        db.execute("CREATE TEMP TABLE shown (place INTEGER PRIMARY KEY, identifier TEXT)")
        values = dict.fromkeys(re.findall(r":(\w+)", statement)) or [1] * statement.count("?")
        plan = [row[3] for row in db.execute(f"EXPLAIN QUERY PLAN {statement}", values)]
    for before, step in pairwise(plan):
        by_all = re.match(r"(SCAN|SEARCH) o\b", before) and step.startswith("SEARCH r USING AUTOMATIC")
        assert not by_all, f"{name}: {plan}"
