"""Give rocrate-validator the JSON-LD context without a network: `crate_context.py CACHE`, run in `.venv/checkers`.

The validator asks w3id.org for it. The package rocrate has the context of 1.1, which goes into the validator's HTTP
cache as that of 1.2: the terms that releases use are the same, but for sha256, which is new.
"""

import io
import json
import sys
from importlib import resources
from typing import Any

from requests.adapters import BaseAdapter, HTTPAdapter
from requests_cache import CachedSession
from urllib3 import HTTPResponse

CONTEXT = "https://w3id.org/ro/crate/1.2/context"
HELD = "https://w3id.org/ro/crate/1.1/context"
# the cache tells what was asked for in these ways apart
ACCEPTED = ("*/*", "application/ld+json, application/json;p=0.9, */*;q=0.1")


class Shelf(BaseAdapter):
    """Answers every request with one document."""

    def __init__(self, body: bytes) -> None:
        super().__init__()
        self.body = body

    def send(self, request: Any, **_: Any) -> Any:
        raw = HTTPResponse(
            io.BytesIO(self.body),
            {"Content-Type": "application/ld+json"},
            200,
            preload_content=False,
            request_url=request.url,
        )
        return HTTPAdapter().build_response(request, raw)

    def close(self) -> None:
        pass


def main(cache: str) -> None:
    body = resources.files("rocrate").joinpath("data", "ro-crate.jsonld").read_bytes()
    described = json.loads(body)
    assert described["@id"] == HELD, "this version of rocrate has another context"
    described["@id"] = CONTEXT
    described["@context"]["sha256"] = "http://schema.org/sha256"
    body = json.dumps(described).encode()
    with CachedSession(cache_name=cache, backend="sqlite", expire_after=-1, allowable_methods=("GET",)) as session:
        session.mount("https://", Shelf(body))
        for accept in ACCEPTED:
            session.get(CONTEXT, headers={"Accept": accept})


if __name__ == "__main__":
    main(sys.argv[1])
