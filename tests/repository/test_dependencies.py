"""Each package is pinned with hashes, and its licence is one that anybody may use it under."""

import re
from pathlib import Path

import dependencies
import pytest

# licences that let anybody use and pass on a program that is built on them
OPEN = re.compile(
    r"0BSD|Apache-2\.0|BSD-[23]-Clause|CC0-1\.0|CC-PDDC|ISC|LGPL-[23]\.[01]-or-later|MIT(-0|-CMU)?|MPL-2\.0|PSF-2\.0|"
    r"Python-2\.0|Unlicense|W3C-20150513|Zlib|ZPL-2\.1"
)


def test_the_page_lists_what_is_pinned_and_says_what_the_packages_say():
    before = dependencies.PAGE.read_text(encoding="utf-8")
    assert before == dependencies.page(before)
    wanted = {name for lock in dependencies.LOCKS for name in dependencies.pinned(lock)}
    assert set(dependencies.listed(before)) == wanted


def test_every_licence_is_open():
    for name, (_, licence) in dependencies.listed(dependencies.PAGE.read_text(encoding="utf-8")).items():
        for one in re.split(r" AND | OR |[()]| ", licence):
            assert not one or OPEN.fullmatch(one), (name, licence)


@pytest.mark.parametrize("lock", dependencies.LOCKS)
def test_every_package_is_pinned_with_hashes_and_no_registry_is_named(lock: str, root: Path):
    text = (root / lock).read_text(encoding="utf-8")
    assert not re.search(r"https?://|--index-url|--find-links|--trusted-host", text)
    requirements = re.split(r"^(?=[A-Za-z0-9])", text.replace("\\\n", " "), flags=re.MULTILINE)[1:]
    assert requirements
    for requirement in requirements:
        assert re.match(r"[A-Za-z0-9._-]+==[^ ]+ ", requirement), requirement[:60]
        assert re.search(r"--hash=sha256:[0-9a-f]{64}", requirement), requirement[:60]
