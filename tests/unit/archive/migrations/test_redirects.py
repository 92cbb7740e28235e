"""archive/migrations/outputs.py: maps that lead somewhere, and that nginx itself accepts."""

import csv
import subprocess
from collections.abc import Callable
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from archive.migrations.outputs import nginx_keys, write_csv, write_nginx

PAIRS = [
    ("http://old.example/1/", "https://new.example/records/101"),
    ("http://OLD.example:80/record.php?id=2&x=a b", "https://new.example/records/102"),
    ('http://old.example/ä"\\;{}$uri', 'https://new.example/records/1$3?a="b"'),
]


def test_an_old_url_comes_once_and_the_first_place_counts(tmp_path: Path):
    done = write_csv(tmp_path / "r.csv", [*PAIRS, PAIRS[0], (PAIRS[0][0], "https://new.example/other")])
    with (tmp_path / "r.csv").open(encoding="utf-8", newline="") as file:
        assert [tuple(row) for row in csv.reader(file)] == [("old_url", "new_url"), *PAIRS]
    assert (done.written, done.conflicts) == (3, [PAIRS[0][0]])


def test_keys_are_what_nginx_sees():
    assert nginx_keys("http://Old.example:8080/1/") == ("old.example/1/", "old.example/1")
    assert nginx_keys("http://old.example") == ("old.example/",)
    assert nginx_keys("http://old.example/r?id=1") == ("old.example/r?id=1",)
    assert nginx_keys("http://old.example/r?id=1&v=2") == ("old.example/r?id=1&v=2", "old.example/r?v=2&id=1")
    assert len(nginx_keys("http://old.example/r?a=1&b=2&c=3&d=4")) == 1


def test_nginx_accepts_the_map(tmp_path: Path, need: Callable[[str], str]):
    done = write_nginx(tmp_path / "moved.map", [*PAIRS, ("http://old.example/A", "x"), ("http://old.example/a", "y")])
    assert done.conflicts
    (tmp_path / "nginx.conf").write_text(
        f"pid {tmp_path}/pid; error_log stderr; events {{}} http {{ access_log off; map_hash_bucket_size 512;\n"
        f"map $host$request_uri $moved_to {{ include {tmp_path}/moved.map; }}\n"
        "server { listen 127.0.0.1:20999; if ($moved_to) { return 301 $moved_to; } } }\n"
    )
    words = ["-t", "-e", "stderr", "-p", str(tmp_path), "-c", str(tmp_path / "nginx.conf")]
    done_ = subprocess.run([need("nginx"), *words], capture_output=True, text=True, check=False)
    assert done_.returncode == 0, done_.stderr


@given(st.lists(st.tuples(st.text(min_size=1, max_size=8), st.text(max_size=8)), max_size=5))
def test_a_line_is_two_quoted_words_whatever_is_in_the_urls(pairs: list[tuple[str, str]]):
    for path, _ in pairs:
        for key in nginx_keys(f"http://old.example/{path.replace('#', '').replace('?', '')}"):
            assert key.isascii()
            assert key.isprintable()
            assert not set(key) & set('"\\ $')
