"""A ban never makes ids forbidden, and a restricted record never holds up a harvest."""

import pytest

from harvester.ratelimit.bans import BAN_FIRST_SECONDS, STRIKES_MOST, SUSPICION_FIRST_SECONDS, Bans

DENIED = b'{"status": 403, "message": "Permission denied."}'
PAGE = b"<html><body><h1>403 Forbidden</h1></body></html>"
BLOCKED = b"<html><body><h1>403 Forbidden</h1>Your address has been blocked.</body></html>"
JSON, HTML = "application/json", "text/html; charset=utf-8"


def answering(at: float = 0.0, content_type: str = JSON, *, ordered: bool = False) -> Bans:
    bans = Bans()
    bans.good(at, content_type, ordered=ordered)
    return bans


def judge(bans: Bans, url: str, at: float, body: bytes = PAGE, kind: str = HTML, *, ordered: bool = False) -> str:
    return bans.judge(at, url, at - 0.1, kind, body, ordered=ordered)


@pytest.mark.parametrize("told", [False, True])
def test_what_the_api_says_of_a_record_is_an_answer_however_many_stand_in_a_row(told: bool):
    bans = answering()
    if told:
        bans.told(5.0)
    assert {judge(bans, f"u{number}", 10.0 + number, DENIED, JSON) for number in range(500)} == {"answer"}


def test_an_answer_cut_to_its_first_bytes_is_still_the_apis():
    assert judge(answering(), "u", 1.0, b'{"message": "' + b"x" * 5000, JSON) == "answer"


def test_zenodo_sends_retry_after_with_everything_and_its_403_is_an_answer():
    assert judge(answering(ordered=True), "u", 1.0, DENIED, JSON, ordered=True) == "answer"
    assert judge(Bans(), "u", 1.0, DENIED, JSON, ordered=True) == "answer"


def test_a_403_with_an_order_is_a_ban_where_no_other_answer_has_one():
    bans = answering()
    assert judge(bans, "u", 1.0, DENIED, JSON, ordered=True) == "ban"
    assert bans.strong


@pytest.mark.parametrize(
    ("body", "kind"),
    [
        (BLOCKED, HTML),
        (PAGE, HTML),
        (b"\0" * 720, "application/octet-stream"),
        (b"", ""),
        (b'{"message": "API rate limit exceeded"}', JSON),
    ],
)
def test_after_a_429_a_page_of_the_front_end_is_a_ban_for_as_long_as_it_lasts(body: bytes, kind: str):
    bans = answering()
    bans.told(5.0)
    waits = []
    clock = 6.0
    for _ in range(20):
        assert judge(bans, "u", clock, body, kind) == "ban"
        waits.append(bans.wait_seconds(0.0))
        clock += min(200.0, waits[-1])
    assert waits[:3] == [BAN_FIRST_SECONDS, 2 * BAN_FIRST_SECONDS, 4 * BAN_FIRST_SECONDS]
    assert not bans.hopeless


def test_all_that_was_on_its_way_is_one_ban():
    bans = answering()
    bans.told(5.0)
    for number in range(8):
        assert bans.judge(6.0 + number / 100, f"u{number}", 5.9, HTML, BLOCKED, ordered=False) == "ban"
    assert bans.strikes == 1


def test_a_page_about_one_record_counts_when_others_were_answered_meanwhile_and_then_at_once():
    bans = answering()
    assert judge(bans, "u1", 10.0) == "ban"
    assert bans.wait_seconds(0.0) == SUSPICION_FIRST_SECONDS
    bans.good(16.0, JSON, ordered=False)
    assert judge(bans, "u1", 20.0) == "answer"
    assert judge(bans, "u2", 21.0, PAGE.replace(b"403", b"404")) == "answer"
    bans.told(22.0)
    assert judge(bans, "u3", 23.0) == "ban"


def test_an_answer_to_what_left_before_proves_nothing():
    bans = answering()
    assert judge(bans, "u1", 10.0) == "ban"
    bans.good(9.0, JSON, ordered=False)
    assert judge(bans, "u1", 20.0) == "ban"


def test_a_host_of_pages_that_says_the_same_after_a_real_wait_is_believed():
    bans = answering(content_type=HTML)
    clock = 10.0
    said = []
    while (word := judge(bans, "u1", clock)) == "ban" and len(said) < 20:
        said.append(word)
        clock += bans.wait_seconds(0.0)
    assert word == "taken"
    assert clock - 10.0 >= 30.0
    assert judge(bans, "u2", clock + 1) == "answer"


def test_a_host_that_never_said_anything_else_is_given_up_soon():
    bans, clock, taken = Bans(), 0.0, 0
    number = 0
    while not bans.hopeless:
        word = judge(bans, f"u{number}", clock)
        taken += word == "taken"
        number += word == "taken"
        clock += bans.wait_seconds(0.0) if word == "ban" else 1.0
    assert taken < STRIKES_MOST
    assert clock < 3600


def test_an_api_that_only_answers_pages_from_now_on_is_never_believed_and_given_up():
    bans, clock = answering(), 10.0
    while not bans.hopeless:
        assert judge(bans, "u1", clock) == "ban"
        clock += bans.wait_seconds(0.0)
    assert clock < 3600


def test_a_page_that_comes_and_goes_is_no_ban_unless_a_429_or_its_words_say_so():
    for body, told, word in ((PAGE, False, "answer"), (PAGE, True, "ban"), (BLOCKED, False, "ban")):
        bans = answering()
        for number in range(6):
            clock = 10.0 * number
            bans.good(clock, JSON, ordered=False)
            if told:
                bans.told(clock + 1)
            last = judge(bans, f"u{number}", clock + 5, body)
        assert last == word
