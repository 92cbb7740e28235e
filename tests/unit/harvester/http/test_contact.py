"""The contact: in User-Agent, required for strangers, and no way to smuggle a header in."""

import pytest

from harvester.errors import UsageError
from harvester.http.contact import email, user_agent

NONE: dict[str, str] = {}


def test_without_a_contact_only_this_machine_is_asked():
    assert user_agent(["127.0.0.1:8000", "localhost", "[::1]:80"], "", NONE).startswith("harvester/")
    for host in ("x.example", "localhost.example", "0.0.0.0", "10.0.0.1:80"):
        with pytest.raises(UsageError, match="HARVESTER_CONTACT"):
            user_agent(["127.0.0.1", host], "", NONE)


def test_the_setting_wins_over_the_environment_and_a_mail_address_is_written_as_one():
    environment = {"HARVESTER_CONTACT": "env@example.org"}
    assert user_agent(["x.example"], "", environment).endswith(" (mailto:env@example.org)")
    assert user_agent(["x.example"], "mailto:me@example.org", environment).endswith(" (mailto:me@example.org)")
    assert user_agent(["x.example"], "https://example.org/h?a=1", NONE).endswith(" (+https://example.org/h?a=1)")


@pytest.mark.parametrize(
    "contact",
    [
        "me",
        "me@here",
        "me@example.org\r\nX-Evil: 1",
        "me@example.org\n",
        "me@example.org) (other",
        "https://",
        "http://x",
        "https://me:geheim@example.org/",
        "https://example.org/ a",
        "https://example.org/\x00",
        "ftp://example.org",
        "mé@example.org",
        "https://example.org/(a)",
        " ",
        "https://[bad/",
    ],
)
def test_what_is_no_contact_is_refused_and_not_repeated(contact: str):
    with pytest.raises(UsageError) as caught:
        user_agent(["127.0.0.1"], contact, NONE)
    assert "geheim" not in str(caught.value)
    assert "Evil" not in str(caught.value)


def test_the_e_mail_address_of_a_contact_is_known_when_it_is_one():
    assert email("me@example.org", {}) == email("mailto:me@example.org", {}) == "me@example.org"
    assert email("", {"HARVESTER_CONTACT": "you@example.org"}) == "you@example.org"
    assert email("https://example.org/harvest", {}) is None
    assert email("", {}) is None
    with pytest.raises(UsageError):
        email("nobody", {})
