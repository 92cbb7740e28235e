"""A window of ids while it is asked: which are still to be settled, and what becomes of their answers."""

from collections import deque
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from archive.store import MOVED_TO, Answer, Outcome, RefusedBody, WindowRow, has_record
from harvester.crawl import notes_of
from harvester.crawl.arguments import Form
from harvester.http import REDIRECTS, Asked, Fetched, IdUrls, Service
from harvester.rest import DecodedBlock, Known, Look, Received, Settled, is_machine
from harvester.walks.replies import SECRET_HEADERS

# findings that name the first id of a block and how many there were
NAMED_FINDINGS = {"refused": "ids-refused", "lost": "ids-lost"}


@dataclass(slots=True)
class FormState:
    """What is known of a form of this run, in the channel `number`.

    `own` is how it answers for ids that are not there, `now` how it answered for one that cannot exist when it was last
    asked, None where nothing can be learned of it. `proven` says that an earlier run saw records beside such answers,
    `shown` that a record came in this process.
    """

    form: Form
    number: int
    service: Service = field(default_factory=Service)
    own: Look | None = None
    now: Look | None = None
    learned: bool = False
    proven: bool = False
    shown: bool = False

    def known(self, deleted: Mapping[str, str]) -> Known:
        """Return what a block of answers is judged by."""
        return Known(self.own, self.now, deleted)

    @property
    def doubtful(self) -> bool:
        """Whether what was learned may be of something in front of the repository."""
        return self.now is not None and (self.now != self.own or not is_machine(self.now.kind, self.form.accept))

    @property
    def trusted(self) -> bool:
        """Whether absences count whose answers have not the shape of the form."""
        own_is_odd = self.own is None or not is_machine(self.own.kind, self.form.accept)
        return own_is_odd and (self.shown or self.proven)


@dataclass(slots=True)
class IdWalk:
    """The ids of one window: `waiting` may be asked now, `unsettled` counts those without an end state."""

    window: WindowRow
    state: FormState
    urls: IdUrls
    validator: str | None
    waiting: deque[Asked] = field(default_factory=deque)
    unsettled: int = 0
    size: int = 0
    answers: int = 0
    lost: int = 0

    @property
    def form(self) -> Form:
        """The form that its ids are asked for in."""
        return self.state.form

    def take(self, most: int) -> list[Asked]:
        """Take the next ids to ask for."""
        return [self.waiting.popleft() for _ in range(min(most, len(self.waiting)))]


@dataclass(frozen=True, slots=True)
class Judged:
    """A block, judged: answers to keep, ids to ask again after a while, and those to ask at once at another URL."""

    answers: list[Answer]
    again: list[Asked]
    elsewhere: list[Asked]


def without_decoding(
    fetched: Sequence[Fetched], urls: IdUrls, deleted: Collection[str] = ()
) -> list[Settled | str | None]:
    """Settle what can be settled by status alone; a text is the URL to ask instead, None: decode it.

    A login in place of an id that is listed as `deleted` is decoded as well, as status 401: it has a tombstone.
    """
    found = [_by_status(one, urls) for one in fetched]
    return [
        None if isinstance(early, Settled) and early.state == "forbidden" and one.asked.identifier in deleted else early
        for one, early in zip(fetched, found, strict=True)
    ]


def _by_status(one: Fetched, urls: IdUrls) -> Settled | str | None:
    if one.status is None:
        return Settled("lost", one.reason, again=True)
    if one.reason:
        return Settled("refused", one.reason)
    if one.status == 304 and one.asked.validator is None:
        return Settled("refused", "HTTP status 304 to a request without a condition", again=True)
    if one.status not in REDIRECTS:
        return None
    found = urls.redirect(one.asked.identifier, one.asked.url, one.headers.get("location"), one.asked.hops)
    match found.kind:
        case "moved":
            return Settled("moved", MOVED_TO + found.target)
        case "follow":
            return found.target
        case "login":
            return Settled("forbidden", f"redirects to a login ({found.target})")
    return Settled("refused", found.target, again=True)


def received(fetched: Iterable[Fetched]) -> list[Received]:
    """Answers as the decoding processes take them."""
    return [
        Received(
            identifier=one.asked.identifier,
            url=one.asked.url,
            status=401 if one.status in REDIRECTS else one.status or 0,
            media_type=one.headers.get("content-type", ""),
            encoding=one.headers.get("content-encoding", ""),
            last_modified=one.headers.get("last-modified", ""),
            body=one.body,
        )
        for one in fetched
    ]


def judged(
    walk: IdWalk,
    fetched: Sequence[Fetched],
    said: Sequence[Settled | str | None],
    decoded: DecodedBlock,
    tries: int,
    at: str,
) -> Judged:
    """Put together what was said without decoding and what the decoding said.

    `tries` is how often an id is asked, `at` the time of the answers.
    """
    result = Judged([], [], [])
    rest = iter(decoded.settled)
    payload = decoded.payload
    problems: list[tuple[str, str, str]] = []
    for one, early in zip(fetched, said, strict=True):
        asked = one.asked
        if isinstance(early, str):
            result.elsewhere.append(Asked(asked.identifier, early, asked.validator, asked.tries, asked.hops + 1))
            continue
        settled = early or next(rest)
        asked.tries += 1
        if settled.again and asked.tries < tries:
            asked.validator = None if one.status == 304 else asked.validator
            result.again.append(asked)
            continue
        stored = has_record(settled.state, settled.reason)
        result.answers.append(_answer(walk, one, settled, payload if stored else (), at))
        payload = () if stored else payload
        if settled.problem is not None:
            problems.append((asked.identifier, *settled.problem))
        # a type that is not served is reported for the channel
        quiet = walk.state.service.refused and one.status == walk.state.service.status
        if settled.state in NAMED_FINDINGS and not quiet:
            problems.append((asked.identifier, NAMED_FINDINGS[settled.state], settled.reason or ""))
    if result.answers and problems:
        result.answers[-1] = replace(result.answers[-1], notes=notes_of(problems))
    return result


def not_asked(walk: IdWalk, at: str) -> Answer:
    """Settle the ids of a window that wait, in a type that is not served: one answer for all of them."""
    service, form = walk.state.service, walk.form
    reason = f"not asked: HTTP status {service.status} for each of {service.turned} ids in this type"
    names = [asked.identifier for asked in walk.take(len(walk.waiting))]
    return Answer(
        channel=walk.window.channel,
        window=walk.window.window,
        attempt=1,
        url=form.url,
        state="refused",
        http_status=service.status,
        reason=reason,
        attempts=0,
        at=at,
        outcomes=[Outcome(name, None, "refused", reason) for name in names],
        bare=True,
    )


def _answer(walk: IdWalk, one: Fetched, settled: Settled, payload: Sequence[tuple[bytes, int]], at: str) -> Answer:
    asked = one.asked
    refused = None
    if settled.state == "refused" and one.status is not None:
        headers = tuple(pair for pair in one.headers.items() if pair[0] not in SECRET_HEADERS)
        refused = RefusedBody(
            url=asked.url,
            http_status=one.status,
            headers=headers,
            body=one.body,
            retrieved=at,
            reason=settled.reason or "",
        )
    validator = one.headers.get(walk.validator) if walk.validator and settled.state == "read" else None
    return Answer(
        channel=walk.window.channel,
        window=walk.window.window,
        attempt=1,
        url=asked.url,
        state=settled.state,
        http_status=one.status,
        reason=settled.reason,
        attempts=asked.tries,
        at=at,
        outcomes=(Outcome(asked.identifier, settled.datestamp or None, settled.state, settled.reason),),
        payload=payload,
        refused=refused,
        refused_identifier=asked.identifier if refused else None,
        bare=not has_record(settled.state, settled.reason),
        validators=((asked.identifier, validator),) if validator else (),
    )
