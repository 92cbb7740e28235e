"""Learn how a form answers for ids that it does not have, from its answers for ids that cannot exist.

The caller asks: `ask` names the next id, `take` gets what came. One question is enough where the answer has the shape
of the form; a second one shows whether another answer is the same each time.
"""

from collections.abc import Collection
from dataclasses import replace

from harvester.rest import answers
from harvester.rest.absences import Look, impossible_ids, is_machine

_TELLING = (200, 203, 204, 404, 410)


class Learning:
    """Questions about ids of the shape of `identifiers`, outside the ranges `taken`, in a form asked for as `accept`.

    `look` is what was learned, None while nothing can be; `invented` is an impossible id that the provider has a record
    for.
    """

    def __init__(self, identifiers: Collection[str], accept: str, taken: Collection[range] = ()) -> None:
        self._ids = list(impossible_ids(identifiers, taken))
        self._accept = accept
        self._first: Look | None = None
        self.look: Look | None = None
        self.invented: str | None = None

    def ask(self) -> str | None:
        """Return the next id to ask for, None when there is none."""
        return self._ids.pop(0) if self._ids else None

    def take(self, answer: answers.Received | None) -> None:
        """Learn from an answer; None for one that says nothing: none came, or a redirect."""
        if answer is None or answer.status not in _TELLING:
            return self._end(None)
        settled, _ = answers.settle(answer, "learned", self._accept, "")
        if settled.state == "read" and answers.names_itself(answer, self._accept):
            self.invented = answer.identifier
            return self._end(None)
        look = answers.look_of(answer)
        if self._first is not None:
            first = self._first if look.is_same(self._first) else replace(self._first, digest="")
            same = look.is_same(first) or (look.status >= 400 and look.is_like(first))
            return self._end(first if same and look.status == first.status else None)
        self._first = look
        if look.status in (404, 410) and is_machine(look.kind, self._accept):
            self._end(look)
        return None

    def _end(self, look: Look | None) -> None:
        self._ids.clear()
        self.look = look
