"""Worlds drawn at random: the options of a hostile provider, and which way it is harvested. Pure."""

import random
from collections.abc import Sequence
from dataclasses import dataclass

from support.faulty_proxy import BENDS

WAYS = ("oaipmh", "oaipmh", "oaipmh", "idrange", "search")
RECORDS = 250

# Each of these is served in some worlds; of those in one tuple, one.
LISTS = (
    ("--paging keyset", "--paging snapshot", "--paging scroll", "--overlap 3", "--overlap 1"),
    ("--deep-limit 150", "--deep-limit 100"),
    ("--no-list-size", "--list-size-lie 5", "--list-size-lie -5"),
    ("--token-style nasty", "--token-style long", "--token-style ws"),
    ("--token-ttl 3", "--token-ttl 3 --token-ttl-lie 60", "--token-single-use", "--token-boot-bound"),
    ("--token-loop-at 3", "--token-repeat-at 3", "--token-expire-at 2,4", "--truncate-at 3", "--empty-page-at 2,4"),
    ("--deleted no", "--deleted transient", "--deleted-claim no", "--deleted-claim transient"),
    ("--granularity day", "--until-exclusive", "--until-midnight"),
    ("--earliest 0001-01-01T00:00:00Z", "--earliest 2024-01-01T00:00:00Z"),
    ("--no-sets", "--strict-sets"),
    ("--oai-error-status 422", "--oai-error-status 400", "--oai-error-status 500"),
    ("--oai-content-type text/html", "--oai-content-type application/octet-stream"),
    ("--clock-skew 3600", "--clock-skew -3600"),
    ("--identify-other-host",),
    ("--burst-share .5",),
    ("--max-inflight 1",),
)
KINDS_LISTED = (
    "id_traversal",
    "id_absolute",
    "id_percent",
    "id_space",
    "id_nfc,id_nfd",
    "id_case",
    "id_newline",
    "id_long",
    "id_shell",
    "id_dash",
    "id_reserved",
    "id_rtl",
    "stamp_future",
    "stamp_invalid",
    "stamp_millis",
    "no_metadata",
    "deleted_with_metadata",
    "xml_badchar",
    "xml_latin1",
    "xml_xxe",
    "xml_laughs",
    "xml_dtd",
    "xml_cdata",
    "xml_prefix",
    "xml_undefined_entity",
    "huge_description",
    "many_creators",
)
KINDS_BY_ID = (
    "json_rs_raw",
    "json_rs_escaped",
    "json_nan",
    "json_bigint",
    "json_deep",
    "json_dupkeys",
    "json_bom",
    "json_nul",
    "json_surrogate",
    "json_latin1",
    "json_two",
    "json_array",
    "json_empty",
    "json_html",
    "json_newlines",
    "rest_401",
    "rest_403",
    "rest_404",
    "rest_410",
    "rest_500",
    "redirect_other_host",
    "redirect_file",
    "redirect_loop",
    "redirect_chain",
    "redirect_scheme",
)
BY_ID = (
    ("--conneg ignore", "--conneg lie", "--conneg mislabel"),
    ("--no-vary", "--etag-per-format"),
    ("--gap-share .6", "--gap-share 0"),
    ("--concept-share .5", "--concept-share 0"),
    ("--deleted-share .5", "--deleted-share 0"),
)
FAULTS = (
    "500",
    "502",
    "504",
    "503",
    "reset",
    "cut",
    "truncgzip",
    "drip",
    "html200",
    "htmlxml",
    "badchars",
    "badenc",
    "empty",
    "hang",
    "redirect-loop",
    "redirect-other-host",
    "refuse",
    "429",
)
RETRY_AFTER = ("seconds", "date", "mixed", "garbage", "negative", "past", "float", "zero")
MANNERS = (("--gzip",), ("--latency-ms 5",), ("--robots allow",), ("--rate 40:1 --rate-retry-after",), ("--sticky",))
WORDS = {
    "oaipmh": (("windows=4 slices=year", "windows=3 slices=month"),),
    "idrange": (("connections=4",),),
    "search": (),
}
# a fault that comes late or not at all costs its test no more than this
BOUNDED = "--drip-chunks 3 --drip-delay 0.05 --hang-secs 0.5 --retry-after-secs 1"


@dataclass(frozen=True, slots=True)
class World:
    """`options` of the provider, `words` of the harvest (-a). `moving`: it changes while it is listed.

    `bend` names what a proxy does to its answers, None where there is no proxy (`bending.BENDS`, by way).
    """

    seed: int
    way: str
    options: tuple[str, ...]
    words: tuple[str, ...]
    moving: bool
    bend: str | None = None

    def has(self, *switches: str) -> bool:
        return any(option in switches for option in self.options)


def drawn(seed: int) -> World:
    """The world of a seed: always the same one."""
    dice = random.Random(f"world {seed}")
    way = WAYS[seed % len(WAYS)]
    chosen = [f"--records {RECORDS} --seed {seed}", BOUNDED, *_some(dice, MANNERS, 0.15), *_faults(dice)]
    if way == "oaipmh":
        size = f"--page-size {dice.choice((20, 30, 40, 60))}"
        chosen += [size, *_some(dice, LISTS, 0.2), *_kinds(dice, KINDS_LISTED)]
    if way == "idrange":
        chosen += [*_some(dice, BY_ID, 0.3), *_kinds(dice, KINDS_BY_ID)]
    moving = way == "oaipmh" and dice.random() < 0.1
    if moving:
        chosen.append(f"--mutate-every {dice.choice((4, 9))} --mutate-touch 5 --mutate-delete 2 --mutate-add 2")
    words = " ".join(_some(dice, WORDS[way], 0.2)).split()
    # a provider that is bent stands still: what its records are at the end is what they were all the time
    bend = dice.choice(list(BENDS[way])) if not moving and dice.random() < 0.4 else None
    return World(seed, way, _possible(" ".join(chosen).split()), tuple(words), moving, bend)


def _some(dice: random.Random, groups: Sequence[Sequence[str]], share: float) -> list[str]:
    return [dice.choice(group) for group in groups if dice.random() < share]


def _faults(dice: random.Random) -> list[str]:
    names = dice.sample(FAULTS, dice.choice((0, 1, 2, 3, 5)))
    out = [f"--p-{name} {dice.choice((0.02, 0.04, 0.08))}" for name in names if name != "429"]
    # a host that answers 429 is asked slowly from then on, as it should be: one world in ten has the time
    out += ["--p-429 0.01"] if "429" in names and dice.random() < 0.5 else []
    return [*out, f"--retry-after {dice.choice(RETRY_AFTER)}", f"--fault-burst {dice.choice((1, 2, 3))}"]


def _kinds(dice: random.Random, kinds: Sequence[str]) -> list[str]:
    names = dice.sample(kinds, dice.choice((0, 0, 1, 2, 4)))
    return ["--kinds " + ",".join(names)] if names else []


def _possible(options: list[str]) -> tuple[str, ...]:
    """Without what nobody could tell from a shorter list: see the limits in docs/reliability.md."""
    if "--truncate-at" in options:
        for switch in ("--no-list-size", "--list-size-lie"):
            if switch in options:
                at = options.index(switch)
                del options[at : at + 1 + (switch == "--list-size-lie")]
    return tuple(options)
