"""A source: one repository or platform, its endpoints and limits, read from TOML and validated.

Licences are SPDX identifiers; they are compared without case and written in the spelling of the SPDX list.
"""

import re
import tomllib
from ipaddress import ip_address
from pathlib import Path
from typing import Annotated, Any, Literal, Self
from urllib.parse import urlsplit

from packaging.licenses import InvalidLicenseExpression, canonicalize_license_expression
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError, model_validator

from harvester.errors import UsageError
from harvester.ratelimit import Budget


def spdx_id(text: str) -> str | None:
    """Return the id in SPDX's list that `text` names, in SPDX's spelling; None if it is not in the list."""
    try:
        found = canonicalize_license_expression(text)
    except InvalidLicenseExpression:
        return None
    # a single id: expressions are refused, and LicenseRef-... stands for a licence that is not in the list
    return None if " " in found or "(" in found or found.startswith("LicenseRef-") or found.endswith("+") else found


FOLDER = Path(__file__).parent / "data"
PARTS = ("oaipmh", "idrange", "search", "exporter")
SITE = "{site}"
# parameters in which APIs accept a secret: a URL ends up in logs and in the ledger
_SECRETS = re.compile(r"&(access_token|api[_-]?key|token|key)=", re.IGNORECASE)


def _http(url: str) -> str:
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise ValueError("not an http or https URL")
    if "@" in parts.netloc:
        raise ValueError("holds a user name or password; tokens come from the environment")
    if _SECRETS.search(f"&{parts.query}"):
        raise ValueError("holds a key or a token; they come from the environment")
    if parts.port == 0:  # reading it raises ValueError for an invalid port
        raise ValueError("port 0 is no port")
    return url.split("#")[0]


def _template(url: str) -> str:
    if url.count("{id}") != 1:
        raise ValueError("has no {id} where the id goes, or more than one")
    if "{id}" in urlsplit(url).netloc:
        raise ValueError("has {id} in the host")
    return _http(url)


Url = Annotated[str, AfterValidator(_http)]
UrlTemplate = Annotated[str, AfterValidator(_template)]


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Oaipmh(_Part):
    """The OAI-PMH endpoint of a source.

    `windows` is how many lists may be read at once; `slices` cuts the datestamps at calendar borders instead of by
    size; `page_records` is the size of its pages, if known, and `deletions` whether it lists deleted records at all
    (None: as its Identify says).
    """

    url: Url
    prefixes: tuple[str, ...] = ("oai_dc",)
    sets: tuple[str, ...] = ()
    windows: int = Field(default=1, ge=1, le=64)
    overlap_seconds: int = Field(default=3600, ge=0)
    slices: Literal["auto", "day", "month", "year"] = "auto"
    page_records: int | None = Field(default=None, ge=1)
    deletions: bool | None = None


class IdChannel(_Part):
    """One format of a record: the media type to request, and the URL if it differs from the endpoint's.

    `name` is that of the channel and its records' format; "" takes the short name of the media type.
    """

    accept: str = Field(min_length=3)
    name: str = Field(default="", pattern=r"^[a-z0-9.-]*$")
    url: UrlTemplate | None = None


class Idrange(_Part):
    """Records by id. `url` contains {id}; `pattern` is a regular expression for ids.

    `validators` says what reliably identifies an unchanged record: none, etag or last-modified. `lowest` and `highest`
    are the ids known to be in use, `connections` how many requests may be open at once.
    """

    url: UrlTemplate
    pattern: str = "[^/?#]+"
    channels: tuple[IdChannel, ...] = (IdChannel(accept="application/json"),)
    validators: Literal["none", "etag", "last-modified"] = "none"
    connections: int = Field(default=1, ge=1, le=64)
    lowest: int = Field(default=1, ge=0)
    highest: int | None = Field(default=None, ge=0)


class Search(_Part):
    """A search API in the given `style`.

    A page has `size` hits (`size_with_token` with a token), and one query never more than `window`; None if there is no
    such limit (a file without a value leaves it to the style). `name` is that of the channel and its records' format;
    "" takes that of the style or the short name of the media type.
    """

    url: Url
    name: str = Field(default="", pattern=r"^[a-z0-9.-]*$")
    style: Literal["invenio", "datacite", "figshare", "dspace", "dataverse"] = "invenio"
    accept: str = "application/json"
    size: int = Field(default=25, ge=1)
    size_with_token: int | None = Field(default=None, ge=1)
    window: int | None = Field(default=10_000, ge=1)
    query: str = ""
    overlap_seconds: int = Field(default=3600, ge=0)


class Exporter(_Part):
    """The provider's own bulk dump: the URL of its list of files, and which of them are records and deletions."""

    url: Url
    style: Literal["zenodo"] = "zenodo"
    records: tuple[str, ...] = ("records-json.tar.gz", "records-xml.tar.gz")
    deletions: str | None = "records-deleted.csv.gz"


class BudgetEntry(_Part):
    """A number of requests in some seconds, below a path, for everyone or only with (or without) a token."""

    requests: int = Field(ge=1)
    seconds: float = Field(gt=0)
    path: str = ""
    token: bool | None = None
    host: str = ""


class Token(_Part):
    """The origin of a secret and where it may be sent: an environment variable, and a header.

    `hosts` are the network locations that it belongs to; by default those of the endpoints.
    """

    environment: str = Field(pattern=r"^[A-Z][A-Z0-9_]*$")
    header: str = Field(default="Authorization", pattern=r"^[A-Za-z][A-Za-z0-9-]*$")
    prefix: str = Field(default="Bearer ", pattern=r"^[ -~]*$")
    hosts: tuple[Annotated[str, Field(pattern=r"^[A-Za-z0-9.:\[\]-]+$")], ...] = ()


class Robots(_Part):
    """Exceptions from robots.txt.

    `asks_anyway` are path prefixes that are requested although it disallows them; `crawl_delay` says whether its
    Crawl-delay is ignored. `because` is the reason, which is logged.
    """

    asks_anyway: tuple[Annotated[str, Field(pattern="^/")], ...] = ()
    crawl_delay: Literal["obeyed", "ignored"] = "obeyed"
    because: str = ""

    @model_validator(mode="after")
    def _said(self) -> Self:
        if (self.asks_anyway or self.crawl_delay == "ignored") and len(self.because.split()) < 4:
            raise ValueError("asks_anyway and crawl_delay = 'ignored' need because = the reason, in words")
        return self


class Fact(_Part):
    """A known fact about the source: its subject, what it says, and where it was seen."""

    about: str
    says: str
    seen_in: str


class Counts(_Part):
    """The size of the source at the time `seen` (YYYY or more precise), for plans made without a request.

    `listed` records are in the whole OAI-PMH list, `found` by the search; `changed_a_day` of them change. A record is
    `list_record_bytes` long in a list and `record_bytes` by its id; the exporter's files are `dump_bytes`.
    """

    seen: str = Field(pattern=r"^\d{4}(-\d\d){0,2}$")
    listed: int | None = Field(default=None, ge=0)
    found: int | None = Field(default=None, ge=0)
    changed_a_day: int | None = Field(default=None, ge=0)
    list_record_bytes: int | None = Field(default=None, ge=1)
    record_bytes: int | None = Field(default=None, ge=1)
    dump_bytes: int | None = Field(default=None, ge=0)


class MixStep(_Part):
    """One step of `harvester crawl SOURCE`: a spider, its arguments, and the reason for it."""

    spider: Literal["oaipmh", "idrange", "search", "exporter"]
    arguments: dict[str, str] = Field(default_factory=dict)
    because: str = Field(min_length=1)


def _licence(text: str) -> str:
    """Return an SPDX id in SPDX's spelling. Raises ValueError if it is unknown."""
    if not text:
        return ""
    if (known := spdx_id(text)) is None:
        raise ValueError(f"{text[:60]!r} is no id of SPDX's list (spdx.org/licenses)")
    return known


class Source(_Part):
    """One repository, or a platform that many run (then `{site}` in its URLs stands for one of them).

    `hosts` are network locations, besides those of the endpoints, that a redirect may lead to. `metadata_licence` is
    the SPDX id of the licence of its metadata, "" if unknown.
    """

    name: str = ""
    title: str = ""
    platform: str = ""
    homepage: str = ""
    metadata_licence: Annotated[str, AfterValidator(_licence)] = ""
    hosts: tuple[str, ...] = ()
    delay_seconds: float = Field(default=0.0, ge=0.0, le=600.0)
    oaipmh: Oaipmh | None = None
    idrange: Idrange | None = None
    search: Search | None = None
    exporter: Exporter | None = None
    budgets: tuple[BudgetEntry, ...] = ()
    token: Token | None = None
    robots: Robots = Robots()
    quirks: dict[str, str] = Field(default_factory=dict)
    counts: Counts | None = None
    mix: tuple[MixStep, ...] = ()
    facts: tuple[Fact, ...] = ()

    @property
    def parts(self) -> dict[str, Oaipmh | Idrange | Search | Exporter]:
        """Return its endpoints, by the name of the spider that requests from them."""
        return {name: part for name in PARTS if (part := getattr(self, name)) is not None}

    @property
    def url(self) -> str:
        """Return its first endpoint, for display."""
        return next((part.url for part in self.parts.values()), self.homepage)

    @property
    def own_hosts(self) -> frozenset[str]:
        """Return the network locations (host, or host:port) of its endpoints, in lower case."""
        urls = [part.url for part in self.parts.values()]
        if self.idrange is not None:
            urls.extend(channel.url for channel in self.idrange.channels if channel.url)
        return frozenset(urlsplit(url).netloc.lower() for url in urls)

    @property
    def allowed_hosts(self) -> frozenset[str]:
        """Return the network locations that belong to this source: where redirects may lead."""
        return self.own_hosts | {host.lower() for host in self.hosts}

    def with_hosts(self, hosts: tuple[str, ...]) -> "Source":
        """Return the same source with more hosts that belong to it."""
        return self.model_copy(update={"hosts": (*self.hosts, *hosts)}) if hosts else self

    def host_budgets(self, has_token: bool = False) -> dict[str, tuple[Budget, ...]]:
        """Return the budgets of each of its hosts, as they apply with or without a token."""
        found: dict[str, list[Budget]] = {host: [] for host in self.allowed_hosts}
        for entry in self.budgets:
            if entry.token in (None, has_token):
                for host in [entry.host.lower()] if entry.host else self.allowed_hosts:
                    found.setdefault(host, []).append(Budget(entry.requests, entry.seconds, entry.path))
        return {host: tuple(budgets) for host, budgets in found.items()}

    @classmethod
    def of(cls, name_or_file: str | None, url: str | None, part: str = "oaipmh", site: str | None = None) -> "Source":
        """Return the source of `-a source=`, `-a site=` and `-a url=`.

        `url` is that of the endpoint `part`, and takes precedence. Raises UsageError if there is no such endpoint, the
        file is missing, or a value in it is wrong.
        """
        values = read_values(name_or_file) if name_or_file else {}
        if url:
            _pin_token(values)
            values[part] = {**(values.get(part) or {}), "url": url}
        if not isinstance(values.get(part), dict):
            given = f"source {name_or_file} has no [{part}]: " if name_or_file else ""
            raise UsageError(f"{given}say what to harvest: -a url=URL or -a source=NAME-or-FILE.toml")
        source = cls.checked(values, name_or_file or "arguments", site)
        if getattr(source, part) is None:
            raise UsageError(f"source {name_or_file}: [{part}] is that of a site: -a site=https://repository.example")
        return source

    @classmethod
    def named(cls, name_or_file: str, site: str | None = None, url: str | None = None) -> "Source":
        """Return a source with all of its usable endpoints, at a site; `url` replaces that of its OAI-PMH endpoint.

        Raises UsageError as `of`.
        """
        values = read_values(name_or_file)
        if url:
            values["oaipmh"] = {**(values.get("oaipmh") or {}), "url": url}
        return cls.checked(values, name_or_file, site)

    @classmethod
    def checked(cls, values: dict[str, Any], where: str, site: str | None = None) -> "Source":
        """Validate the values of a file, with `{site}` filled in. Raises UsageError naming the wrong one."""
        if site is not None:
            try:
                values = _filled(values, _http(site).rstrip("/"))
            except ValueError as error:
                raise UsageError(f"site: {error}") from None
        values = _without_unfilled(values, where)
        try:
            return cls.model_validate(values)
        except ValidationError as error:
            raise UsageError(_sentence(error, where)) from None


def _pin_token(values: dict[str, Any]) -> None:
    """Restrict a token to the hosts in its file, so that it is not sent to a URL given beside the file."""
    urls = [str(endpoint.get("url", "")) for part in PARTS if isinstance(endpoint := values.get(part), dict)]
    named = [url.partition("//")[2].partition("/")[0] for url in urls if SITE not in url]
    if named and isinstance(token := values.get("token"), dict):
        token.setdefault("hosts", named)


def checked_url(url: str) -> str:
    """Validate an http or https URL and remove its fragment. Raises UsageError, also if it contains a password."""
    try:
        return _http(url)
    except ValueError as error:
        # what may be a password is not repeated
        raise UsageError(f"{'the URL' if '@' in url else url}: {error}") from None


def source_names() -> list[str]:
    """List the sources that come with the project."""
    return sorted(entry.stem for entry in FOLDER.glob("*.toml"))


def single_sites() -> dict[str, Source]:
    """Return the sources that come with the project and are single sites, not platforms, by name."""
    values = {name: read_values(name) for name in source_names()}
    return {name: Source.checked(found, name) for name, found in values.items() if SITE not in str(found)}


def read_values(name_or_file: str) -> dict[str, Any]:
    """Read the values of a source's file, without validation. Raises UsageError."""
    path = Path(name_or_file) if name_or_file.endswith(".toml") else FOLDER / f"{name_or_file}.toml"
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        known = ", ".join(source_names()) or "none yet"
        raise UsageError(f"there is no source {name_or_file}; known are: {known}; or name a .toml file") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise UsageError(f"{path} is not TOML: {error}") from None
    except OSError as error:
        raise UsageError(f"{path} cannot be read: {error.strerror}") from None


def is_loopback(netloc: str) -> bool:
    """Return whether a host, with or without a port, is this machine."""
    host = urlsplit(f"//{netloc}").hostname or ""
    try:
        return host == "localhost" or ip_address(host).is_loopback
    except ValueError:
        return False


def _filled(value: Any, site: str) -> Any:
    if isinstance(value, dict):
        return {key: _filled(inner, site) for key, inner in value.items()}
    if isinstance(value, list):
        return [_filled(inner, site) for inner in value]
    return value.replace(SITE, site) if isinstance(value, str) else value


def _without_unfilled(values: dict[str, Any], where: str) -> dict[str, Any]:
    """Drop the endpoints of a site that was not named. Raises UsageError if none is left."""
    unnamed = [part for part in PARTS if SITE in str(values.get(part) or {})]
    kept = {key: value for key, value in values.items() if key not in unnamed}
    if unnamed and not any(part in kept for part in PARTS):
        raise UsageError(f"{where} is a platform that many run: name one, -a site=https://repository.example")
    return kept


def _sentence(error: ValidationError, where: str) -> str:
    first = error.errors()[0]
    place = ".".join(str(part) for part in first["loc"])
    # a possible password is not repeated: messages end up in logs
    given = "" if "@" in str(first.get("input")) or "environment" in first["msg"] else f" = {first.get('input')!r}"
    return f"{where}: {place}{given}: {first['msg'].removeprefix('Value error, ')}"
