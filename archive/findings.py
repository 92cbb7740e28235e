"""Findings of a harvest and problems found by a check, each with a code, a severity and one sentence.

`info` is worth knowing and leaves a run complete; after a `warning` or an `error` the run is done with findings. A
check reports what it read and every problem that it found.
"""

from dataclasses import dataclass, field
from pathlib import Path

SEVERITIES = ("info", "warning", "error")

# code: (severity, sentence); the names in a sentence are arguments of `finding`
CODES: dict[str, tuple[str, str]] = {
    "list-size-differs": ("warning", "{window}: the provider stated {expected} records and {found} came, twice"),
    "list-size-jumps": ("info",
        ("the size of a list went from {expected} to {found} with a resumption token: the provider forgets from, "
        "until or set; lists are cut to fit a page")),
    "token-repeated": ("info", "{window}: the last token led to itself; all {found} stated records had come"),
    "token-loop": ("info", "{window}: the last token led back; all {found} stated records had come"),
    "token-no-records": ("info",
        "{window}: the last token was answered noRecordsMatch; all {found} stated records had come"),
    "record-astray": ("info",
        ("{identifier} came on a page that is not of the list asked for ({window}): the resumption token had lost what "
        "was asked; it is not counted there, and the page is in quarantine")),
    "parts-short": ("warning",
        ("{window}: the provider stated {expected} records before this list was cut, and its parts brought {found}; "
        "records are missing that no part of the list shows")),
    "parts-lack": ("warning",
        ("{window}: {found} records that it listed before it was cut are in none of its parts (the first is "
        "{identifier}); the parts may lack others as well")),
    "parts-empty": ("warning",
        ("{window}: an answer that cannot be read ({reason}), and its parts list no record at all; what is in that "
        "answer is not known")),
    "list-broke-off": ("info",
        ("{window}: the list ended after {found} records, and the provider has others in it (the first is "
        "{identifier}): it is listed again in parts")),
    "page-repeated": ("info", "{window}: a page came twice; all {found} stated records had come"),
    "empty-pages": ("info", "{window}: page after page without records; all {found} stated records had come"),
    "endless": ("info", "{window}: tokens without end; all {found} stated records had come"),
    "window-lost": ("error", "{window}: no list of its records could be had ({reason}); run the same harvest again"),
    "asked-singly": ("info",
        "{window}: no list of its {found} records can be read: each is asked for by itself, which is {found} requests"),
    "window-unproven": ("warning", "{window}: {found} records came, and nothing shows that these are all ({reason})"),
    "page-unaccounted": ("warning",
        ("{window}: its pages hold what cannot be read as the protocol has it ({reason}); {found} records came, and "
        "more may stand there; compare with GetRecord, or with another form of the provider")),
    "page-deviates": ("info", "the provider's pages are not as OAI-PMH has them, and were read all the same: {reason}"),
    "text-around-pages": ("warning",
        ("the provider's pages carry text that is no part of their XML, in every try; the document inside is read. "
        "The text begins {reason}: tell the provider")),
    "unknown-status": ("warning",
        "{found} records whose status the protocol does not know, taken as live; the first is {identifier}: {reason}"),
    "identifier-spaces": ("info",
        ("{found} identifiers whose white space is collapsed, as XML Schema does; the first is {identifier}, sent as "
        "{reason}")),
    "names-from-broken-list": ("warning",
        ("{window}: ListIdentifiers cannot be parsed ({reason}); {found} identifiers were read out of it as text, "
        "and asked for one by one; whether it has more is not known")),
    "ranges-ignored": ("info",
        "the provider does not honour from and until (tried with {datestamp}): its list is read as one"),
    "poison-record": ("error", "{identifier} cannot be read: {reason}; its bytes are in quarantine"),
    "listed-and-absent": ("warning", "{identifier} is listed, and GetRecord says that there is none: {reason}"),
    "record-lost": ("error", "{identifier}: no answer ({reason})"),
    "record-without-metadata": ("warning", "{found} live records without metadata, the first is {identifier}"),
    "deleted-with-metadata": ("info",
        "{found} deleted records that came with metadata, which is kept; the first is {identifier}"),
    "impossible-datestamp": ("warning", "{found} records whose datestamp is no date, the first is {identifier}"),
    "conversion-failed": ("warning",
        "{found} records whose XML could not be turned into JSON, the original is kept; the first is {identifier}"),
    "conversion-partial": ("info",
        ("{found} records with content that has no place in their JSON, the original is kept; the first is "
        "{identifier}")),
    "earliest-datestamp-late": ("info",
        "the provider says its earliest datestamp is {datestamp}, {identifier} is older"),
    "empty-range-refused": ("info",
        "{window}: {reason}; the provider offers this format, and so this is a window without records in it"),
    "records-outside-window": ("info", "{window}: {found} records have a datestamp or set that was not asked for"),
    "torn-tail": ("info",
        "{shard}: {found} bytes after the last commit were cut off; their records are asked for again"),
    "sample": ("info", "a sample of {found} records was taken, the rest was not asked for"),
    "vanished": ("warning",
        ("{name}: {found} of {expected} records held live are no longer listed, the first is {identifier}; nothing "
        "held is erased, and -a accept-loss=true accepts it")),
    "no-longer-found": ("info",
        ("{name}: {found} of {expected} records held live are no longer found by the search (deleted, or replaced by "
        "newer versions), the first is {identifier}; nothing held is erased")),
    "vanished-accepted": ("info",
        ("{name}: {found} of {expected} records held live are no longer listed, which was accepted; the first is "
        "{identifier}")),
    "empty-list": ("warning",
        ("{name}: the list is empty, and it need not be ({reason}); tried: {tried}. If the repository has records, ask "
        "its operator how they are listed; set= and from= name other lists")),
    "empty-repository": ("info", "{name}: the list is empty, and nothing speaks against it (tried: {tried})"),
    "listed-with-bounds": ("warning",
        ("{name}: without from and until the list is empty; it was listed with {window}. Whether there are records "
        "outside of these bounds cannot be known")),
    "listed-by-set": ("warning",
        ("{name}: the list is empty unless a set is named; it was listed set by set, {expected} sets with {found} "
        "records. Whether there are records in no set cannot be known")),
    "set-sent-otherwise": ("info", "the set {spec} is listed only when it is sent as {sent}, and is asked for so"),
    "increments-refused": ("warning",
        ("{name}: every list with from= is refused ({reason}), and the list without is not: changes cannot be asked "
        "for here; mode=full lists everything")),
    "bounds-refused": ("info",
        ("{name}: lists with from= or until= are refused ({reason}), and the list without is not: it is read as "
        "one")),
    "tail-refused": ("warning",
        ("{name}: the list from {datestamp} on is refused ({reason}), and the list without from is not: what changed "
        "while it was listed may be missing; another run with mode=full shows it")),
    "increments-unproven": ("warning",
        ("{name}: the list from {datestamp} on is empty, and {reason}: what changed cannot be known this way; "
        "mode=full lists everything")),
    "increments-by-another-form": ("info",
        ("{name}: lists from {datestamp} on are asked for by the {granularity}, the form in which they can be had; "
        "Identify says {claimed}")),
    "loss-in-bulk": ("error",
        ("{name}: {found} of {expected} records held live are deleted, absent, forbidden or no longer listed, the "
        "first is {identifier}; the same command again asks once more, with -a accept-loss=true it accepts the loss")),
    "loss-accepted": ("info",
        ("{name}: {found} of {expected} records held live are deleted, absent or forbidden, which was accepted; the "
        "first is {identifier}")),
    "live-and-deleted": ("warning",
        "{found} records were listed both live and deleted, the first is {identifier}: {reason}"),
    "datestamps-went-back": ("warning",
        ("{found} records came with an older datestamp than an earlier run brought, the first is {identifier}: the "
        "provider has taken a state back (a restored copy, or a corrected datestamp); what it lists now counts")),
    "changed-while-listed": ("info",
        ("{found} records changed after they were listed: the lists without a stated size that they were in are read "
        "once more, in windows that fit a page")),
    "ids-refused": ("error",
        "{found} answers that cannot be used, their bytes are in quarantine; the first is {identifier}: {reason}"),
    "ids-lost": ("error", "{found} ids without an answer after all tries, the first is {identifier}: {reason}"),
    "other-media-type": ("warning",
        "{found} answers in another media type than was asked for, kept as such; the first is {identifier}: {reason}"),
    "answer-names-another": ("warning",
        "{found} records that call themselves by another id; the first is {identifier}, which says {reason}"),
    "answer-holds-several": ("warning",
        ("{found} answers to a request for one id that hold several records: they are kept as they came, and the index "
        "has no fields of them; the first is {identifier}: {reason}")),
    "range-top": ("info", "{rule}"),
    "absence-unproven": ("warning",
        ("{name}: {found} ids were answered with {reason}, and no record came to show that the repository itself "
        "answers: is {url} right, and is it up? They are refused; ids=gaps asks for them again")),
    "absences-of-two-kinds": ("warning",
        ("{name}: {found} ids were answered with {reason}, and others with the form's own answer for an id that is not "
        "there: something in front of the repository may have answered for it. They are refused; ids=gaps asks for "
        "them again")),
    "absence-changed": ("warning",
        ("{name}: an id that cannot exist is answered with {reason} now, and was with {seen} before; until a record "
        "comes beside it, such an answer says nothing of an id")),
    "no-record-shown": ("warning",
        ("{name}: none of {found} ids brought a record, here or in an earlier run, so nothing shows that records are "
        "found at {url}; ask for an id that is known to be there")),
    "answers-any-id": ("warning",
        ("{name}: the provider has a record for {identifier}, an id that cannot exist: which of its records are real "
        "is not known")),
    "held-and-absent": ("warning",
        "{name}: {found} ids are absent, and live in {channels}; the first is {identifier}; see harvester why"),
    "type-not-served": ("warning",
        ("{name}: HTTP status {status} for each of the first {found} ids, so {accept} is not served; the other ids are "
        "refused without being asked for; leave it out of accept=")),
    "robots-closed": ("info", "robots.txt closes {url} ({by}), which is asked anyway: {reason}"),
    "robots-delay": ("info", "robots.txt of {host} asks for {seconds} s between requests, which is not kept: {reason}"),
    "secret-masked": ("warning",
        ("{url}: the answer repeats the token it was asked with; it is masked in what is kept, which is not verbatim "
        "there; tell the provider, and renew the token")),
    "search-window-overflow": ("error",
        ("{window}: {expected} results, more than the search opens, and the slice cannot be cut: {found} could be had; "
        "narrow it with query=, or take OAI-PMH or the ids")),
    "search-size-cut": ("info", "the search gives pages of {found} where {expected} were asked for; {found} it is now"),
    "next-link-lies": ("info",
        ("{url}: the link to the next page leads elsewhere, and {expected} results are stated: pages are reckoned from "
        "the total")),
    "search-total-capped": ("info",
        ("the search counts no further than {expected}: slices by date, each with a smaller total, brought {found}")),
    "hit-twice": ("info", "{found} records are twice in one page, the first is {identifier}"),
    "total-differs": ("warning", "{name}: {expected} stated, {found} counted"),
    "total-was": ("info", "{name}: {expected} on {seen}, {found} counted now"),
    "dump-continued": ("info",
        "no complete run of the same words yet: the list goes on from the dump of {datestamp} ({name})"),
    "dump-held": ("info", "{name}: this version is held already, it is not fetched again"),
    "dump-file-missing": ("info", "the provider offers no {name}; it has {reason}"),
    "dump-version-gone": ("info", "{name}: this version is no longer offered ({reason}); the newest files take over"),
    "dump-refused": ("error", "{name} cannot be used: {reason}; run the same harvest again"),
    "dump-fetched-twice": ("info", "{name} was fetched once more: {reason}"),
    "dump-incomplete": ("error", "{name}: {expected} members seen and {found} counted"),
    "member-twice": ("warning",
        "{name}: {found} members whose id came before, both are kept; the first is {identifier}"),
    "file-refused": ("error", "{identifier}: the file {name!r} cannot be used: {reason}; a new run asks for it again"),
    "files-lost": ("info", "{found} files without an answer after all tries, the first is {name!r} of {identifier}"),
    "files-unusable": ("warning",
        "{identifier}: {found} entries of its list of files name no file, or no place to ask for it"),
    "checksums-unchecked": ("warning",
        ("{identifier}: the stated checksums of {found} files cannot be checked, the first is {reason!r}; their sizes "
        "alone are compared")),
    "files-unnamed": ("warning",
        ("none of {found} records says which files it has (their forms: {forms}); harvest them in one that does as "
        "well: the provider's own JSON by id or search, or MARC, METS or EP3 over OAI-PMH")),
    "form-without-files": ("info", "{found} records in {form} do not say which files they have"),
    "filter-unsaid": ("info",
        ("{found} files are left out because their records do not say what the filter asks for ({what}); the first is "
        "{name!r} of {identifier}")),
    "filter-takes-nothing": ("warning",
        "none of the {found} files that records list passes {wanted}; they are of the types {offered}"),
    "filter-without-sets": ("warning",
        ("{found} files are left out because their records are in no set that is known: sets come over OAI-PMH, and "
        "with InvenioRDM's JSON; the first is of {identifier}")),
    "files-elsewhere": ("warning",
        ("files of records lie at {host}, which is no host of this source, and are not asked for (the first is of "
        "{identifier}); if they belong to it, name it: -a hosts={host}")),
    "links-elsewhere": ("info",
        ("records link to files at {host}, which is no host of this source: they are not asked for (the first is of "
        "{identifier})")),
    "rights-stated": ("info", "the provider states rights for its metadata: {reason}"),
    "schema-invalid": ("warning",
        ("{found} records of {declared} are not valid by the schema of {schema} ({rule}), {where}: {reason}; the first "
        "is {identifier}")),
    "schema-of-another-version": ("info",
        ("{found} records of {declared} are checked against the schema of {schema}: there is none of theirs in this "
        "shape")),
    "schema-unknown": ("info", "{found} records of {format} are not checked: there is no schema for what they declare"),
    "representations-disagree": ("warning",
        "{found} ids whose representations disagree about the {field}; the first is {identifier}: {reason}"),
}  # fmt: skip

# codes for records that may be missing, or that it is unknown: a run with one of these is not complete
DOUBTS = frozenset(
    {
        "list-size-differs",
        "window-unproven",
        "page-unaccounted",
        "names-from-broken-list",
        "parts-short",
        "parts-lack",
        "parts-empty",
        "empty-list",
        "listed-with-bounds",
        "listed-by-set",
        "increments-refused",
        "tail-refused",
        "increments-unproven",
        "vanished",
        "absence-unproven",
        "absences-of-two-kinds",
        "absence-changed",
        "no-record-shown",
        "answers-any-id",
        "total-differs",
    }
)


@dataclass(frozen=True, slots=True)
class Finding:
    """One finding, as a row of the ledger's table. `expected` and `found` are the numbers that differ."""

    code: str
    severity: str
    message: str
    identifier: str | None = None
    expected: int | None = None
    found: int | None = None


def finding(
    code: str,
    *,
    identifier: str | None = None,
    expected: int | None = None,
    found: int | None = None,
    **words: object,
) -> Finding:
    """Make a finding. Raises KeyError for an unknown code, or an argument that its sentence does not name."""
    severity, sentence = CODES[code]
    values = {"identifier": identifier, "expected": expected, "found": found, **words}
    return Finding(
        code=code,
        severity=severity,
        message=sentence.format_map(values),
        identifier=identifier,
        expected=expected,
        found=found,
    )


_HARMLESS = ("left-over", "unproven", "warning")


@dataclass(frozen=True, slots=True)
class Problem:
    """Something on disk that differs from what was written.

    `kind` is damaged, missing, extra (an unknown file), stale (an index of another state) or unfetched (a file that a
    bag's fetch.txt lists and that is not there); or, harmless, left-over (by a killed process), unproven (there is no
    digest to check) and warning (in a bag). `frame` and `record` count from 0 and are None if the problem concerns the
    whole file; `code` is that of a finding in a bag.
    """

    kind: str
    file: str
    message: str
    frame: int | None = None
    record: int | None = None
    code: str | None = None


@dataclass(slots=True)
class VerifyReport:
    """Result of a check: what it read, and every problem it found.

    `kind` is archive, shard, release, delta, part or bag. `bytes` counts the shards, or the parts of a release. `files`
    counts the files that were hashed whole: files of records in an archive, files beside the parts in a release, all
    files in a bag; `file_bytes` is their size. With `quick`, only names and sizes were checked.
    """

    path: Path
    shards: int = 0
    frames: int = 0
    records: int = 0
    bytes: int = 0
    refused: int = 0
    problems: list[Problem] = field(default_factory=list)
    kind: str = field(default="archive", compare=False)
    files: int = field(default=0, compare=False)
    file_bytes: int = field(default=0, compare=False)
    quick: bool = field(default=False, compare=False)

    @property
    def damaged(self) -> bool:
        return any(problem.kind in ("damaged", "missing") for problem in self.problems)

    @property
    def whole(self) -> bool:
        """Return whether everything is as it was written, and nothing else is there."""
        return all(problem.kind in _HARMLESS for problem in self.problems)
