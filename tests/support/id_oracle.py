"""Compare the ids of an archive with the truth of a server that has a REST API.

    python tests/support/id_oracle.py ids TRUTH.jsonl        ids to ask for: records, concepts, and a missing one
    python tests/support/id_oracle.py compare ARCHIVE TRUTH.jsonl

TRUTH has a JSON object a line: recid, rest_status, and concept where there is one. `compare` prints one JSON object;
exit 1 when an id is in another state than its status says, in any channel.
"""

import collections
import json
import sqlite3
import sys
from pathlib import Path
from typing import Any

STATES = {200: "read", 401: "forbidden", 403: "forbidden", 404: "absent", 410: "deleted"}
NEVER = "never-00000"
QUERY = """
    SELECT c.name, o.identifier, o.state
    FROM outcomes AS o JOIN requests USING (request) JOIN channels AS c USING (channel)
    WHERE c.name LIKE 'idrange:%' ORDER BY o.outcome
"""


def rows(path: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in Path(path).read_text(encoding="utf-8").splitlines()]


def expected(truth: list[dict[str, Any]]) -> dict[str, set[str]]:
    """The states that each id may be in. The concept of a record moved to it, or is as closed as it is."""
    states = {str(row["recid"]): {STATES[row["rest_status"]]} for row in truth}
    for row in truth:
        if row.get("concept"):
            states.setdefault(str(row["concept"]), set()).update({"moved", STATES[row["rest_status"]]} - {"read"})
    return states | {NEVER: {"absent"}}


def compare(archive: str, truth: list[dict[str, Any]]) -> dict[str, Any]:
    wanted = expected(truth)
    found: dict[str, dict[str, str]] = collections.defaultdict(dict)
    for channel, identifier, state in sqlite3.connect(Path(archive) / "ledger.sqlite").execute(QUERY):
        found[channel][identifier] = state
    wrong = [
        (channel, identifier, states.get(identifier, "never asked"), sorted(allowed))
        for channel, states in found.items()
        for identifier, allowed in wanted.items()
        if states.get(identifier) not in allowed
    ]
    counts = {channel: dict(collections.Counter(states.values())) for channel, states in found.items()}
    return {"verdict": "MATCHES" if found and not wrong else "DIFFERS", "channels": counts, "wrong": wrong[:20]}


if __name__ == "__main__":
    if sys.argv[1] == "ids":
        print("\n".join(expected(rows(sys.argv[2]))))
    else:
        verdict = compare(sys.argv[2], rows(sys.argv[3]))
        print(json.dumps(verdict))
        sys.exit(verdict["verdict"] != "MATCHES")
