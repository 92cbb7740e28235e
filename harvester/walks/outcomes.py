"""What is kept of pages, failures and records of OAI-PMH, as the Answers that the archive takes."""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass

from archive.findings import Finding, finding
from archive.formats import jsonseq
from archive.store import NOT_MODIFIED, Answer, Outcome
from harvester.crawl import notes_of
from harvester.errors import MalformedPage
from harvester.oaipmh import GET_RECORD, DecodedPage, Row, cutting, tokens
from harvester.rest import answers
from harvester.walks.attempt import Walk, record_state
from harvester.walks.replies import Reply, Unusable


@dataclass(frozen=True, slots=True)
class Keep(ABC):
    """Something of a walk that the archive keeps as one Answer."""

    walk: Walk

    @abstractmethod
    def answer(self, at: str) -> Answer:
        """Build the answer; `at` is the time of the reply, as it is stored."""


@dataclass(frozen=True, slots=True)
class KeepPage(Keep):
    """A page of a list: its records, or the ids to ask for one by one."""

    reply: Reply
    page: DecodedPage

    def answer(self, at: str) -> Answer:
        walk, page = self.walk, self.page
        problems = {identifier: code for identifier, code, _ in page.problems}
        names_only = walk.window.verb == GET_RECORD
        outcomes = [
            Outcome(
                name,
                stamp,
                "open" if names_only else "deleted" if gone else "read",
                NOT_MODIFIED if place in page.left_out else problems.get(name),
            )
            for place, (name, stamp, gone, _) in enumerate(page.rows)
        ]
        return Answer(
            channel=walk.channel.number,
            window=walk.window.window,
            attempt=walk.attempt,
            url=self.reply.url,
            state="read",
            http_status=self.reply.status,
            reason=None,
            attempts=walk.tries + 1,
            at=at,
            listed=len(page.rows),
            outcomes=outcomes,
            payload=page.payload,
            bare=walk.bare,
            notes=notes_of(page.problems),
        )


@dataclass(frozen=True, slots=True)
class KeepStray(Keep):
    """A page of another list: it is kept in quarantine, its ids are named, none is counted."""

    reply: Reply
    page: DecodedPage

    def answer(self, at: str) -> Answer:
        walk, reply = self.walk, self.reply
        unusable = Unusable(tokens.TOKEN_FORGETS, "a page of another list", reply.status, reply)
        window = cutting.describe(walk.span)
        if walk.channel.set_spec is not None:
            window = f"set {walk.channel.set_spec}, {window}"
        return Answer(
            channel=walk.channel.number,
            window=walk.window.window,
            attempt=walk.attempt,
            url=reply.url,
            state="refused",
            http_status=reply.status,
            reason=unusable.reason,
            attempts=walk.tries + 1,
            at=at,
            bare=walk.bare,
            refused=unusable.refused_body(reply.url, at),
            notes=[finding("record-astray", identifier=row.identifier, window=window) for row in self.page.rows],
        )


@dataclass(frozen=True, slots=True)
class KeepNamed(Keep):
    """The ids of a window whose records cannot be listed: no part may lack them.

    It is of no attempt (0), and does not count as what the window listed.
    """

    url: str
    inside: Sequence[Row]

    def answer(self, at: str) -> Answer:
        return Answer(
            channel=self.walk.channel.number,
            window=self.walk.window.window,
            attempt=0,
            url=self.url,
            state="read",
            http_status=None,
            reason=None,
            attempts=1,
            at=at,
            listed=len(self.inside),
            bare=True,
            outcomes=[Outcome(row.identifier, row.datestamp, "open") for row in self.inside],
        )


@dataclass(frozen=True, slots=True)
class KeepHinted(Keep):
    """An unreadable list of names that still shows whom to ask for."""

    unusable: Unusable
    headers: Sequence[tuple[str, str]]

    def answer(self, at: str) -> Answer:
        walk, unusable = self.walk, self.unusable
        assert unusable.reply is not None
        found = finding(
            "names-from-broken-list",
            window=cutting.describe(walk.span),
            reason=unusable.reason,
            found=len(self.headers),
        )
        return Answer(
            channel=walk.channel.number,
            window=walk.window.window,
            attempt=walk.attempt,
            url=unusable.reply.url,
            state="read",
            http_status=unusable.status,
            reason=unusable.reason,
            attempts=walk.tries,
            at=at,
            listed=len(self.headers),
            outcomes=[Outcome(name, stamp, "open") for name, stamp in self.headers],
            bare=True,
            notes=[found],
        )


@dataclass(frozen=True, slots=True)
class KeepFailure(Keep):
    """A page that no try brought; its last reply goes into `quarantine` where nothing smaller will be asked for.

    `endpoint` is the URL that stands in the quarantine, without the arguments.
    """

    url: str
    endpoint: str
    unusable: Unusable
    quarantine: bool

    def answer(self, at: str) -> Answer:
        walk, unusable = self.walk, self.unusable
        return Answer(
            channel=walk.channel.number,
            window=walk.window.window,
            attempt=walk.attempt,
            url=self.url,
            state="lost" if unusable.end == tokens.PAGE_LOST else "refused",
            http_status=unusable.status,
            reason=unusable.reason,
            attempts=max(1, walk.tries),
            at=at,
            bare=walk.bare,
            refused=unusable.refused_body(self.endpoint, at) if self.quarantine else None,
        )


@dataclass(frozen=True, slots=True)
class KeepRecord(Keep):
    """A record that came alone; `status` is that of the reply."""

    url: str
    name: str
    tries: int
    status: int
    page: DecodedPage

    def answer(self, at: str) -> Answer:
        page = self.page
        problems = {identifier: code for identifier, code, _ in page.problems}
        return Answer(
            channel=self.walk.channel.number,
            window=self.walk.window.window,
            attempt=self.walk.attempt,
            url=self.url,
            attempts=self.tries,
            at=at,
            state="read",
            http_status=self.status,
            reason=None,
            listed=len(page.rows),
            outcomes=[
                Outcome(n, stamp, "deleted" if gone else "read", problems.get(n)) for n, stamp, gone, _ in page.rows
            ],
            payload=page.payload,
            notes=notes_of(page.problems) + _unaccounted_notes(self.name, page),
        )


@dataclass(frozen=True, slots=True)
class KeepNoRecord(Keep):
    """A record that GetRecord did not bring. `listed`: the provider's own list has just named it."""

    url: str
    name: str
    tries: int
    unusable: Unusable
    listed: bool

    def answer(self, at: str) -> Answer:
        unusable = self.unusable
        state = record_state(unusable)
        payload = self._tombstone(at) if state == "deleted" else ()
        return Answer(
            channel=self.walk.channel.number,
            window=self.walk.window.window,
            attempt=self.walk.attempt,
            url=self.url,
            attempts=self.tries,
            at=at,
            state=state,
            http_status=unusable.status,
            reason=unusable.reason,
            listed=0,
            outcomes=[Outcome(self.name, None, state, unusable.reason)],
            refused_identifier=self.name,
            bare=not payload,
            payload=payload,
            refused=unusable.refused_body(self.url, at) if state == "refused" else None,
            notes=self._notes(state),
        )

    def _tombstone(self, at: str) -> tuple[tuple[bytes, int], ...]:
        """Frame the tombstone of a record that GetRecord answers with 410: what was said of it is kept."""
        reply = self.unusable.reply
        assert reply is not None
        try:
            body = reply.plain_body()
        except MalformedPage:  # what is kept of a tombstone need not be readable
            body = reply.body
        received = answers.Received(
            identifier=self.name,
            url=self.url,
            status=410,
            media_type=reply.header("Content-Type"),
            encoding="",
            last_modified="",
            body=body,
        )
        _, text = answers.tombstone(received, self.walk.channel.prefix, at)
        return ((jsonseq.encode(text), 1),)

    def _notes(self, state: str) -> list[Finding]:
        if state == "absent" and self.listed:
            return [finding("listed-and-absent", identifier=self.name, reason=self.unusable.reason)]
        if state == "refused":
            return [finding("poison-record", identifier=self.name, reason=self.unusable.reason)]
        if state == "lost":
            return [finding("record-lost", identifier=self.name, reason=self.unusable.reason)]
        return []


def _unaccounted_notes(name: str, page: DecodedPage) -> list[Finding]:
    """Report what GetRecord's answer holds that could not be read."""
    if not page.unaccounted:
        return []
    reason = "; ".join(page.unaccounted)
    return [finding("page-unaccounted", identifier=name, window=name, reason=reason, found=len(page.rows))]
