"""A few questions to a provider before a crawl, for `probe` and `plan`: every answer is kept, as evidence.

sickle asks through it as well, whose own client would follow a redirect to any host and wait for ever.
"""

from collections.abc import Callable, Mapping
from typing import Self, TypeVar
from urllib.parse import urlencode, urlsplit

from sickle import Sickle, oaiexceptions
from sickle.iterator import OAIResponseIterator

from harvester.errors import MalformedPage, ProviderError, Unreachable
from harvester.http.client import BlockingClient, Policy, Response
from harvester.http.credentials import Credentials
from harvester.http.retries import Retries

T = TypeVar("T")
# DSpace sends a page for people to who asks for text/html first
ACCEPT_XML = "text/xml, application/xml;q=0.9, */*;q=0.1"
DISTANCE_SECONDS = 1.0
RETRIES = Retries(tries=3, longest_wait_seconds=120.0)


class Asker:
    """Asks `hosts` (network locations) and nobody else, redirects included; to be used as a context manager."""

    def __init__(self, user_agent: str, hosts: frozenset[str], credentials: Credentials | None = None) -> None:
        self._client = BlockingClient(
            Policy(
                user_agent=user_agent,
                hosts=hosts,
                credentials=credentials or Credentials(),
                remedy="name that address",
                # what is behind a login is told by its page
                stops_at_login=False,
                retries=RETRIES,
                distance_seconds=DISTANCE_SECONDS,
            )
        )
        self.answers: list[Response] = []

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self._client.close()

    def get(self, url: str, accept: str = "*/*") -> Response:
        """Ask, as `BlockingClient.get` does, and keep the answer."""
        answer = self._client.get(url, {"Accept": accept})
        self.answers.append(answer)
        return answer


class _SickleAnswer:
    """An answer as sickle takes it."""

    def __init__(self, answer: Response) -> None:
        self.status_code, self.headers, self.content = answer.status, answer.headers, answer.body
        self.text = answer.body.decode("utf-8", "replace")

    def raise_for_status(self) -> None:
        """Raise nothing: an OAI-PMH error comes with any status, and what is none is found when it is read."""


class PoliteSickle(Sickle):  # type: ignore[misc]
    """sickle, asking through an Asker: no other host, a time limit, no second try, and page by page."""

    def __init__(self, asker: Asker, url: str) -> None:
        super().__init__(url, max_retries=0, iterator=OAIResponseIterator)
        self._asker = asker

    def _request(self, kwargs: Mapping[str, str]) -> _SickleAnswer:
        joint = "&" if urlsplit(self.endpoint).query else "?"
        return _SickleAnswer(self._asker.get(f"{self.endpoint}{joint}{urlencode(kwargs)}", ACCEPT_XML))

    def ask(self, question: Callable[[Sickle], T]) -> T:
        """Ask one question. Raises ProviderError, MalformedPage for what is no OAI-PMH, and Unreachable."""
        try:
            return question(self)
        except Unreachable:
            raise
        except Exception as error:  # sickle reads whatever comes, and has no common class of errors
            name = type(error).__name__
            if type(error).__module__ == oaiexceptions.__name__:
                raise ProviderError(name[0].lower() + name[1:], str(error)) from None
            raise MalformedPage(f"{self.endpoint} is no OAI-PMH endpoint ({name}: {str(error)[:200]})") from None
