"""A source: one repository, where it answers and how it wants to be asked, read from TOML and checked."""

import tomllib
from ipaddress import ip_address
from pathlib import Path
from typing import Literal
from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator

from harvester.errors import UsageError

FOLDER = Path(__file__).parent / "sources"


class Source(BaseModel):
    """One repository.

    `url` is its OAI-PMH base URL; `hosts` are the network locations that a redirect may lead to; `windows` is
    how many lists may be walked at once; `slices` cuts the datestamps at calendar borders instead of by size.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: str = ""
    url: str
    hosts: tuple[str, ...] = ()
    prefixes: tuple[str, ...] = ("oai_dc",)
    sets: tuple[str, ...] = ()
    windows: int = Field(default=1, ge=1, le=64)
    delay_seconds: float = Field(default=0.0, ge=0.0, le=600.0)
    overlap_seconds: int = Field(default=3600, ge=0)
    slices: Literal["auto", "day", "month", "year"] = "auto"

    @field_validator("url")
    @classmethod
    def _http(cls, url: str) -> str:
        parts = urlsplit(url)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise ValueError("not an http or https URL")
        if "@" in parts.netloc:
            raise ValueError("holds a user name or password; tokens come from the environment")
        if parts.port == 0:  # reading it raises ValueError for one that is no number of a port
            raise ValueError("port 0 is no port")
        return url.split("#")[0]

    @property
    def allowed_hosts(self) -> frozenset[str]:
        """Network locations (host, or host:port) that belong to this source, in lower case."""
        return frozenset({urlsplit(self.url).netloc.lower(), *(host.lower() for host in self.hosts)})

    @property
    def loopback(self) -> bool:
        """Whether the source is on this machine: then nobody needs to know whom to write to."""
        host = urlsplit(self.url).hostname or ""
        try:
            return host == "localhost" or ip_address(host).is_loopback
        except ValueError:
            return False

    @classmethod
    def of(cls, name_or_file: str | None, url: str | None) -> "Source":
        """The source that `-a source=` and `-a url=` name; `url` wins over the file's.

        Raises UsageError when neither is given, the file is missing, or a value in it is wrong.
        """
        values = cls._read(name_or_file) if name_or_file else {}
        if url:
            values["url"] = url
        if not values.get("url"):
            raise UsageError("say what to harvest: -a url=URL or -a source=NAME-or-FILE.toml")
        try:
            return cls.model_validate(values)
        except ValidationError as error:
            first = error.errors()[0]
            where = ".".join(str(part) for part in first["loc"])
            # what may be a password is not repeated: messages end up in logs
            given = "" if "@" in str(first.get("input")) else f" = {first.get('input')!r}"
            raise UsageError(
                f"{name_or_file or 'arguments'}: {where}{given}: {first['msg'].removeprefix('Value error, ')}"
            ) from None

    @staticmethod
    def _read(name_or_file: str) -> dict[str, object]:
        path = Path(name_or_file) if name_or_file.endswith(".toml") else FOLDER / f"{name_or_file}.toml"
        try:
            return tomllib.loads(path.read_text(encoding="utf-8"))
        except FileNotFoundError:
            known = ", ".join(sorted(entry.stem for entry in FOLDER.glob("*.toml"))) or "none yet"
            raise UsageError(f"there is no source {name_or_file}; known are: {known}; or name a .toml file") from None
        except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
            raise UsageError(f"{path} is not TOML: {error}") from None
        except OSError as error:
            raise UsageError(f"{path} cannot be read: {error.strerror}") from None
