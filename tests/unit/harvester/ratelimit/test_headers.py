"""Headers about limits, in all their generations: what they state is read, and what is malformed states nothing."""

from datetime import UTC, datetime

import pytest

from harvester.ratelimit.headers import Budget, Stated, covers, guess_window, parse_limits, parse_reset, parse_said

NOW = datetime(2026, 3, 4, 5, 6, 7, tzinfo=UTC)
UNIX = int(NOW.timestamp())


@pytest.mark.parametrize(
    ("headers", "stated"),
    [
        (
            {"x-ratelimit-limit": "133", "x-ratelimit-remaining": "132", "x-ratelimit-reset": str(UNIX + 60)},
            [Stated(133, None, 132, 60.0)],
        ),
        (
            {"x-ratelimit-limit": "60", "x-ratelimit-remaining": "0", "x-ratelimit-reset": "17"},
            [Stated(60, None, 0, 17.0)],
        ),
        (
            {"x-ratelimit-limit": "60", "x-ratelimit-remaining": "-3", "x-ratelimit-reset": str(1000 * (UNIX + 5))},
            [Stated(60, None, 0, 5.0)],
        ),
        (
            {
                "x-ratelimit-limit": "60",
                "x-ratelimit-remaining": "1",
                "x-ratelimit-reset": "Wed, 04 Mar 2026 05:06:37 GMT",
            },
            [Stated(60, None, 1, 30.0)],
        ),
        (
            {"ratelimit-limit": "100", "ratelimit-remaining": "50", "ratelimit-reset": "30"},
            [Stated(100, None, 50, 30.0)],
        ),
        (
            {"ratelimit-limit": "100, 100;w=60, 5000;w=3600", "ratelimit-remaining": "50", "ratelimit-reset": "30"},
            [Stated(100, 60.0, 50, 30.0), Stated(5000, 3600.0)],
        ),
        (
            {"ratelimit": "limit=100, remaining=50, reset=5", "ratelimit-policy": "100;w=60"},
            [Stated(100, 60.0), Stated(100, None, 50, 5.0)],
        ),
        (
            {"ratelimit-policy": '"burst";q=100;w=60,"daily";q=1000;w=86400', "ratelimit": '"burst";r=50;t=30'},
            [Stated(100, 60.0, 50, 30.0), Stated(1000, 86400.0)],
        ),
        (
            {"ratelimit-policy": '"a,b;c";q=10;w=1;pk=:Y2RlMTIz:', "ratelimit": '"a,b;c";r=3;t=1'},
            [Stated(10, 1.0, 3, 1.0)],
        ),
        (
            {"ratelimit-policy": '"size";q=1000;qu="content-bytes";w=60', "ratelimit": '"default";r=5;t=9'},
            [Stated(None, None, 5, 9.0)],
        ),
        ({"x-ratelimit-limit-minute": "60", "x-ratelimit-remaining-minute": "59"}, [Stated(60, 60.0, 59)]),
        ({"x-ratelimit-limit": "5"}, [Stated(5)]),
    ],
)
def test_what_headers_state(headers: dict[str, str], stated: list[Stated]):
    assert list(parse_limits(headers, NOW)) == stated


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"x-ratelimit-limit": "unlimited"},
        {"x-ratelimit-limit": "0"},
        {"x-ratelimit-limit": "-1"},
        {"x-ratelimit-limit": "9" * 400},
        {"x-ratelimit-limit": "٦٠"},
        {"ratelimit": "r=50;t=30x"},
        {"ratelimit": '"a";r=-1;t=3'},
        {"ratelimit": '"a";r=50;t=1.5'},
        {"ratelimit-policy": '"a";q=ten;w=60'},
        {"ratelimit-policy": '"a";q=10;w=60,"b";q=x'},
        {"ratelimit-policy": ";;;,,,"},
        {"ratelimit": '"unclosed;r=1'},
        {"retry-after": "60"},
        {"x-ratelimit-reset": "60"},
    ],
)
def test_malformed_fields_state_nothing(headers: dict[str, str]):
    assert parse_limits(headers, NOW) == ()


@pytest.mark.parametrize("reset", ["", "soon", "-5", "1e9", "0x10", "٥", "\0"])
def test_a_reset_that_cannot_be_read_is_none_and_the_rest_still_counts(reset: str):
    assert parse_reset(reset, NOW) is None
    headers = {"x-ratelimit-limit": "60", "x-ratelimit-remaining": "4", "x-ratelimit-reset": reset}
    assert parse_limits(headers, NOW) == (Stated(60, None, 4, None),)


def test_a_reset_that_is_past_is_now():
    assert parse_reset(str(UNIX - 100), NOW) == 0.0
    assert parse_reset("Wed, 04 Mar 2020 05:06:37 GMT", NOW) == 0.0
    assert parse_reset("2026-03-04T05:06:17Z", NOW) == 10.0
    assert parse_reset(f"{UNIX + 10}.5", NOW) == 10.5


@pytest.mark.parametrize("skew", [-7200, -3, 0, 3, 7200])
def test_absolute_times_are_measured_by_the_servers_own_clock(skew: int):
    theirs = datetime.fromtimestamp(UNIX + skew, UTC)
    headers = {
        "x-ratelimit-limit": "60",
        "x-ratelimit-remaining": "1",
        "x-ratelimit-reset": str(UNIX + skew + 40),
        "date": theirs.strftime("%a, %d %b %Y %H:%M:%S GMT"),
    }
    assert parse_limits(headers, NOW) == (Stated(60, None, 1, 40.0),)


@pytest.mark.parametrize(
    ("body", "budget"),
    [
        (b'{"status": 429, "message": "100 per 1 minute"}', Budget(100, 60.0)),
        (b"2000 per 1 hour", Budget(2000, 3600.0)),
        (b"60 per 60 second", Budget(60, 60.0)),
        (b"<p>5 requests per second</p>", Budget(5, 1.0)),
        (b"Too many requests", None),
        (b"0 per 1 minute", None),
        (b"", None),
    ],
)
def test_a_refusal_may_name_its_limit_in_words(body: bytes, budget: Budget | None):
    assert parse_said(body) == budget


@pytest.mark.parametrize(("reset", "window"), [(0.3, 1), (2, 2), (7, 10), (59, 60), (61, 60), (3599, 3600), (2e5, 2e5)])
def test_the_window_is_the_shortest_usual_one_that_holds_the_time_until_its_end(reset: float, window: float):
    assert guess_window(reset) == window


def test_a_budget_holds_for_what_begins_with_its_path_or_for_the_whole_path():
    assert covers("", "/anything")
    assert covers("/oai2d", "/oai2d")
    assert not covers("/oai2d", "/api/records")
    assert covers("/api/records$", "/api/records")
    assert not covers("/api/records$", "/api/records/1")
