"""An invented repository: the same records, byte for byte, for the same seed on every machine.

Nothing in it exists: DOIs begin with 10.5555, hosts end in `.example`, and no ORCID iD is of a block that is
given out. The records have the shape of real ones (DataCite XML in its OAI envelope, Dublin Core beside it), with
what makes those difficult: many scripts, markup in abstracts, creators by the dozen, tombstones, records in
several sets or in none, and one bulk edit that gave a sixteenth of the records one datestamp.
"""

import hashlib
import itertools
import random
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TypeVar
from xml.sax.saxutils import escape, quoteattr

from archive.crosswalks import VERSIONS
from archive.store import Answer, ArchiveWriter, NewWindow, Outcome, WindowRow
from harvester import __version__
from harvester.oaipmh import (
    LIST_RECORDS,
    NAMESPACE,
    DecodedPage,
    datestamps,
    decode_list_records,
    list_records_url,
    resume_url,
    tokens,
)

SEED, RECORDS = 20260101, 5_000
HOST = "samples.example"
URL = f"https://{HOST}/oai"
PREFIXES = ("oai_datacite", "oai_dc")
PAGE_RECORDS = 100

_FIRST = datetime(2019, 3, 4, 5, 6, 7, tzinfo=UTC)
_LAST = datetime(2025, 11, 30, tzinfo=UTC)
_BULK_EDIT = datetime(2023, 6, 15, 12, 0, 0, tzinfo=UTC)
_BUILT = datetime(2026, 1, 1, tzinfo=UTC)
_XSI = "http://www.w3.org/2001/XMLSchema-instance"
_DATACITE = "http://datacite.org/schema/kernel-4"
_DATACITE_XSD = "http://schema.datacite.org/meta/kernel-4.5/metadata.xsd"
_DATACITE_OAI = "http://schema.datacite.org/oai/oai-1.1/"
_DC_OAI = "http://www.openarchives.org/OAI/2.0/oai_dc/"
_DC = "http://purl.org/dc/elements/1.1/"

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Creator:
    """Who made a record; `orcid` is None for those who have none."""

    family: str
    given: str
    orcid: str | None
    affiliation: str | None


@dataclass(frozen=True, slots=True)
class Sample:
    """One record of the repository, before it is written as XML; a deleted one is only its header."""

    number: int
    local: int
    datestamp: str
    deleted: bool
    sets: tuple[str, ...]
    language: str
    title: str
    creators: tuple[Creator, ...]
    abstract: str
    subjects: tuple[str, ...]
    issued: str
    resource_type: tuple[str, str]
    licence: tuple[str, str]
    related: tuple[tuple[str, str, str], ...]
    version: str | None
    place: tuple[str, str, str] | None

    @property
    def identifier(self) -> str:
        return f"oai:{HOST}:{self.local}"

    @property
    def doi(self) -> str:
        return f"10.5555/sample.{self.local}"


def iter_samples(records: int = RECORDS, seed: int = SEED) -> Iterator[Sample]:
    """The repository's records by number; with another `records` the first ones stay what they are."""
    return (_sample(number, _Dice(seed, number)) for number in range(records))


def metadata_xml(sample: Sample, prefix: str) -> str:
    """The content of <metadata> in one of `PREFIXES`."""
    return _oai_datacite(sample) if prefix == "oai_datacite" else _oai_dc(sample)


def list_records_page(samples: Sequence[Sample], prefix: str) -> bytes:
    """A ListRecords response, as the repository would send it."""
    records = "".join(_record(sample, prefix) for sample in samples)
    return (
        f'<?xml version="1.0" encoding="UTF-8"?>\n<OAI-PMH xmlns="{NAMESPACE}">'
        f"<responseDate>{datestamps.as_argument(_BUILT)}</responseDate>"
        f'<request verb="{LIST_RECORDS}" metadataPrefix="{prefix}">{URL}</request>'
        f"<ListRecords>{records}</ListRecords></OAI-PMH>"
    ).encode()


def build_archive(
    folder: Path, records: int = RECORDS, seed: int = SEED, samples: Callable[[], Iterator[Sample]] | None = None
) -> None:
    """Write the repository as an archive, as if it had been harvested: one run, a window for each prefix.

    `samples` gives other records than its own; it is called for each prefix.
    """
    software = {"harvester": __version__, "crosswalks": dict(VERSIONS)}
    source = {"name": "samples", "url": URL, "hosts": [HOST]}
    writer = ArchiveWriter(folder, source, software, clock=lambda: _BUILT)
    words = {"url": URL, "prefix": list(PREFIXES), "records": records, "seed": seed}
    try:
        writer.begin("samples", "full", words, software)
        writer.ledger.set_provider_started(writer.run_number, datestamps.as_argument(_BUILT))
        channels = [writer.ledger.channel(f"oaipmh:{prefix}", prefix, None) for prefix in PREFIXES]
        windows = writer.open_windows([NewWindow(channel, LIST_RECORDS, None, None) for channel in channels])
        for window, prefix in zip(windows, PREFIXES, strict=True):
            _fill(writer, window, prefix, samples() if samples is not None else iter_samples(records, seed))
        writer.finish(writer.ledger.settled_state(writer.run_number))
    finally:
        writer.close()


# --- the archive


def _fill(writer: ArchiveWriter, window: WindowRow, prefix: str, samples: Iterator[Sample]) -> None:
    """Walk one list to its end."""
    pages = 0
    while page := list(itertools.islice(samples, PAGE_RECORDS)):
        url = resume_url(URL, LIST_RECORDS, f"{prefix}.{pages}") if pages else _first_url(prefix)
        decoded = decode_list_records(list_records_page(page, prefix), url, prefix, writer.now())
        writer.put(_answer(window, url, writer.now(), decoded))
        pages += 1
    count = writer.count_window(window.window, 1)
    writer.close_window(
        window.window,
        state="done",
        end=tokens.EMPTY_TOKEN,
        count=count,
        stated=count.distinct,
        pages=pages,
        attempts=1,
        channel=window.channel,
    )


def _first_url(prefix: str) -> str:
    return list_records_url(URL, prefix, None, None, None)


def _answer(window: WindowRow, url: str, at: str, page: DecodedPage) -> Answer:
    outcomes = [
        Outcome(identifier, datestamp, "deleted" if deleted else "read")
        for identifier, datestamp, deleted, _ in page.rows
    ]
    return Answer(
        channel=window.channel,
        window=window.window,
        attempt=1,
        url=url,
        state="read",
        http_status=200,
        reason=None,
        attempts=1,
        at=at,
        listed=len(outcomes),
        outcomes=outcomes,
        payload=page.payload,
    )


# --- chance


class _Dice:
    """Numbers from a seed. Only 32-bit words of the Mersenne Twister are used: every Python draws the same ones."""

    def __init__(self, seed: int, number: int) -> None:
        digest = hashlib.sha256(f"{seed}:{number}".encode()).digest()
        self._words = random.Random(int.from_bytes(digest, "big"))

    def below(self, limit: int) -> int:
        """A number from 0 up to `limit`, which is not included."""
        return self._words.getrandbits(32) * limit >> 32

    def percent(self, chance: int) -> bool:
        return self.below(100) < chance

    def one(self, values: Sequence[T]) -> T:
        return values[self.below(len(values))]

    def some(self, values: Sequence[T], count: int) -> tuple[T, ...]:
        """So many different ones of `values`, in an order of its own."""
        left = list(values)
        return tuple(left.pop(self.below(len(left))) for _ in range(min(count, len(left))))


# --- what the records speak of

# language: titles, with {place}, {year} and {n} to be filled in
_TITLES = {
    "en": ("Harbour charts of {place}, sheet {n}", "Tide gauge readings at {place}, {year}",
           "Oral histories from {place} & its islands, tape {n}", "Inventory of the {place} collection, box {n}"),
    "de": ("Flurkarten der Gemeinde {place}, Blatt {n}", "Geräusche des Hafens von {place}, Aufnahme {n}"),
    "fr": ("Relevés d’été à {place} : année {year}", "Œuvres déposées à {place}, carton nº {n}"),
    "es": ("Cartografía histórica de {place}, lámina {n}", "Cuadernos del señor Ibáñez, {place}, {year}"),
    "cs": ("Příliš žluté mapy: {place}, list {n}", "Zvukový archiv města {place}, {year}"),
    "pl": ("Księgi łowieckie z {place}, tom {n}", "Źródła do dziejów {place}, {year}"),
    "tr": ("{place} kıyısı ölçümleri, {year}", "{place} şehri haritaları, pafta {n}"),
    "vi": ("Bản đồ cổ của {place}, tờ số {n}", "Nhật ký thủy triều tại {place}, {year}"),
    "el": ("Χάρτες του λιμανιού {place}, φύλλο {n}", "Ημερολόγιο παλιρροιών, {place}, {year}"),
    "ru": ("Карты гавани {place}, лист {n}", "Дневник приливов, {place}, {year} год"),
    "uk": ("Їхні мапи: {place}, аркуш {n}", "Спостереження ґрунтів, {place}, {year}"),
    "ka": ("{place}: ნავსადგურის რუკები, ფურცელი {n}",),
    "hy": ("{place} նավահանգստի քարտեզներ, թերթ {n}",),
    "ar": ("خرائط ميناء {place}، الورقة {n}", "سجل المد والجزر في {place}، {year}"),
    "he": ("מפות הנמל של {place}, גיליון {n}",),
    "hi": ("{place} बंदरगाह के मानचित्र, पत्रक {n}",),
    "th": ("แผนที่ท่าเรือ {place} แผ่นที่ {n}",),
    "am": ("የ{place} ወደብ ካርታዎች፣ ቅጠል {n}",),
    "zh": ("{place}港口地图，第{n}幅", "{place}潮汐观测记录，{year}年"),
    "ja": ("{place}港の海図、第{n}図", "{place}の音風景、{year}年"),
    "ko": ("{place} 항구 지도, 제{n}장",),
}  # fmt: skip
# half of the records are in English, as they are elsewhere
_LANGUAGES = (*["en"] * len(_TITLES), *_TITLES)
_PLACES = (
    "Velmar",
    "Ostrelle",
    "Kirhaven",
    "Tarn Dûl",
    "Sankt Brök",
    "Île Morvane",
    "Quillpoint",
    "Åsmundsvik",
    "Nowy Młyn",
    "Bahía Cobre",
    "Lower Fennick",
    "Zöllnitz-am-Moor",
)
_NAMES = (
    ("Harrowgate", "Imogen"), ("Brökelmann", "Jörg"), ("Étiennard", "Zoë"), ("Ibáñez Prado", "Íñigo"),
    ("O’Fennick", "Síle"), ("Novotníková", "Žofie"), ("Żółkiewicz", "Łucja"), ("Öztürkmen", "Çağla"),
    ("Nguyễn", "Thị Ánh"), ("Παλιρροίου", "Ελένη"), ("Приливова", "Юлия"), ("ნავსადგურაშვილი", "ნინო"),
    ("الميناوي", "ليلى"), ("נמלי", "אורה"), ("海図", "花子"), ("潮", "小红"), ("항구", "지우"),
    ("van der Sluys-Moor", "Wil"), ("Åsmundsdóttir", "Þóra"), ("D’Ambrosetti", "Nicolò"),
)  # fmt: skip
_AFFILIATIONS = (
    "Institute for Tides, Velmar",
    "Museum of Harbours & Quays, Ostrelle",
    "Université de l’Île Morvane",
    "Kirhaven Polytechnic",
    "Städtisches Archiv Zöllnitz",
    "港湾研究所",
)
_SETS = ("user-maps", "user-heritage", "user-tides", "user-soundscapes", "user-manuscripts", "user-soils")
_SUBJECTS = (
    "cartography",
    "harbours",
    "tides",
    "oral history",
    "soil science",
    "palaeography",
    "sound archives",
    "Küstenforschung",
    "patrimoine",
    "地図",
    "метеорология",
    "R&D",
)
_TYPES = (
    ("Dataset", "Dataset"),
    ("Image", "Map"),
    ("Text", "Journal article"),
    ("Text", "Report"),
    ("Sound", "Field recording"),
    ("Software", "Software"),
    ("Image", "Photo"),
    ("PhysicalObject", "Specimen"),
)
_LICENCES = (
    ("cc-by-4.0", "Creative Commons Attribution 4.0 International"),
    ("cc-by-4.0", "Creative Commons Attribution 4.0 International"),
    ("cc0-1.0", "Creative Commons Zero v1.0 Universal"),
    ("cc-by-sa-4.0", "Creative Commons Attribution Share Alike 4.0 International"),
    ("mit", "MIT License"),
)
_SENTENCES = (
    "The sheets were scanned at 600 dpi and georeferenced against the survey of {year}.",
    "Readings below 0.5 m & above 7.25 m were checked by hand; values < 0 mark a gauge that had fallen dry.",
    "Missing pages are listed in the appendix, with what is known of where they went.",
    "Die Aufnahmen entstanden zwischen Ebbe und Flut, je zwölf Minuten, bei höchstens 4 °C.",
    "Les noms des témoins ont été changés à leur demande, sauf ceux déjà publiés à {place}.",
    "本资料由志愿者整理，仅供研究使用。",
    "Координаты даны в системе {place} и в WGS 84; расхождение не больше ±3 м.",
    "Each file carries its checksum, so that “bit rot” shows before it hurts.",
    "We thank the harbour office of {place} for the keys, and for not asking why.",
    "Quality flags follow the scheme 𝑞 ∈ {{0, 1, 2}}; units are µg·L⁻¹ unless a column says otherwise.",
    "The instrument was replaced in {year} (see <a href=\"https://gauges.{host}/{n}\">its history</a>).",
    "Nothing in this collection was taken from graves, wrecks or private letters.",
)  # fmt: skip


def _sample(number: int, dice: _Dice) -> Sample:
    """Draw one record. The order of the draws is part of what a seed means."""
    deleted = dice.percent(4)
    stamp = _datestamp(number, dice)
    sets = dice.some(_SETS, 0 if dice.percent(10) else 2 if dice.percent(20) else 1)
    words = {"place": dice.one(_PLACES), "year": 1890 + dice.below(130), "n": 1 + dice.below(400), "host": HOST}
    language = dice.one(_LANGUAGES)
    local = 700_001 + 3 * number + dice.below(3)
    return Sample(
        number=number,
        local=local,
        datestamp=datestamps.as_argument(stamp),
        deleted=deleted,
        sets=tuple(sorted(sets)),
        language=language,
        title=dice.one(_TITLES[language]).format_map(words),
        creators=_creators(dice),
        abstract=_abstract(dice, words),
        subjects=dice.some(_SUBJECTS, dice.below(5)),
        issued=datestamps.as_argument(stamp - timedelta(days=dice.below(400)), datestamps.DAY),
        resource_type=dice.one(_TYPES),
        licence=dice.one(_LICENCES),
        related=_related(dice, local),
        version=f"{1 + dice.below(3)}.{dice.below(10)}" if dice.percent(30) else None,
        place=_place(dice, str(words["place"])) if dice.percent(25) else None,
    )


def _datestamp(number: int, dice: _Dice) -> datetime:
    moment = _FIRST + timedelta(seconds=dice.below(int((_LAST - _FIRST).total_seconds())))
    return _BULK_EDIT if number % 16 == 5 else moment


def _creators(dice: _Dice) -> tuple[Creator, ...]:
    """One to five, and now and then a whole consortium."""
    count = 30 + dice.below(30) if dice.percent(1) else 1 + dice.below(5)
    return tuple(_creator(dice) for _ in range(count))


def _creator(dice: _Dice) -> Creator:
    family, given = dice.one(_NAMES)
    orcid = _orcid(dice.below(10**7)) if dice.percent(60) else None
    return Creator(family, given, orcid, dice.one(_AFFILIATIONS) if dice.percent(50) else None)


def _orcid(number: int) -> str:
    """An ORCID iD with a right check digit (ISO 7064, mod 11-2), in a block that is not given out."""
    digits = f"00000099{number:07d}"
    total = 0
    for digit in digits:
        total = (total + int(digit)) * 2
    check = (12 - total % 11) % 11
    text = digits + ("X" if check == 10 else str(check))
    return "-".join(text[start : start + 4] for start in range(0, 16, 4))


def _abstract(dice: _Dice, words: dict[str, object]) -> str:
    """Paragraphs in HTML, as the forms of repositories make them; some are long."""
    paragraphs = 8 + dice.below(20) if dice.percent(3) else 1 + dice.below(3)
    return "\n".join(
        "<p>" + " ".join(dice.some(_SENTENCES, 2 + dice.below(5))).format_map(words) + "</p>" for _ in range(paragraphs)
    )


def _related(dice: _Dice, local: int) -> tuple[tuple[str, str, str], ...]:
    """(type of identifier, type of relation, identifier); the concept that all versions share comes first."""
    kinds: tuple[tuple[str, str, Callable[[], str]], ...] = (
        ("DOI", "References", lambda: f"10.5555/sample.{700_001 + dice.below(15_000)}"),
        ("DOI", "IsSupplementTo", lambda: f"10.5555/journal.{dice.below(9_000)}"),
        ("URL", "IsDocumentedBy", lambda: f"https://docs.{HOST}/{dice.below(9_000)}?lang=en&view=full"),
    )
    chosen = dice.some(kinds, dice.below(3))
    return (
        ("DOI", "IsVersionOf", f"10.5555/sample.concept.{local}"),
        *((kind, how, make()) for kind, how, make in chosen),
    )


def _place(dice: _Dice, name: str) -> tuple[str, str, str]:
    """(name, latitude, longitude); degrees with three decimals."""
    return name, _degrees(dice.below(120_000) - 60_000), _degrees(dice.below(360_000) - 180_000)


def _degrees(thousandths: int) -> str:
    return f"{'-' if thousandths < 0 else ''}{abs(thousandths) // 1000}.{abs(thousandths) % 1000:03d}"


# --- XML


def _record(sample: Sample, prefix: str) -> str:
    sets = "".join(f"<setSpec>{spec}</setSpec>" for spec in sample.sets)
    status = ' status="deleted"' if sample.deleted else ""
    header = f"<identifier>{sample.identifier}</identifier><datestamp>{sample.datestamp}</datestamp>{sets}"
    body = "" if sample.deleted else f"<metadata>{metadata_xml(sample, prefix)}</metadata>"
    return f"<record><header{status}>{header}</header>{body}</record>"


def _element(name: str, text: str, **attributes: str | None) -> str:
    named = "".join(
        f" {key.replace('__', ':')}={quoteattr(value)}" for key, value in attributes.items() if value is not None
    )
    return f"<{name}{named}>{escape(text)}</{name}>"


def _wrapped(name: str, children: Sequence[str]) -> str:
    """Elements inside another, nothing at all when there are none."""
    return f"<{name}>{''.join(children)}</{name}>" if children else ""


def _oai_datacite(sample: Sample) -> str:
    return (
        f'<oai_datacite xmlns="{_DATACITE_OAI}" xmlns:xsi="{_XSI}" '
        f'xsi:schemaLocation="{_DATACITE_OAI} {_DATACITE_OAI}oai.xsd"><schemaVersion>4.5</schemaVersion>'
        f"<datacentreSymbol>SAMPLES.EXAMPLE</datacentreSymbol><payload>{_resource(sample)}</payload></oai_datacite>"
    )


def _resource(sample: Sample) -> str:
    general, kind = sample.resource_type
    licence, licence_name = sample.licence
    return "".join(
        (
            f'<resource xmlns="{_DATACITE}" xsi:schemaLocation="{_DATACITE} {_DATACITE_XSD}">',
            _element("identifier", sample.doi, identifierType="DOI"),
            _wrapped(
                "alternateIdentifiers",
                [_element("alternateIdentifier", sample.identifier, alternateIdentifierType="oai")],
            ),
            _wrapped("creators", [_datacite_creator(creator) for creator in sample.creators]),
            _wrapped("titles", [_element("title", sample.title, xml__lang=sample.language)]),
            _element("publisher", "The Sample Repository"),
            _element("publicationYear", sample.issued[:4]),
            _wrapped("subjects", [_element("subject", subject) for subject in sample.subjects]),
            _wrapped(
                "dates",
                [
                    _element("date", sample.issued, dateType="Issued"),
                    _element("date", sample.datestamp, dateType="Updated"),
                ],
            ),
            _element("language", sample.language),
            _element("resourceType", kind, resourceTypeGeneral=general),
            _wrapped(
                "relatedIdentifiers",
                [
                    _element("relatedIdentifier", text, relatedIdentifierType=kind_of_id, relationType=relation)
                    for kind_of_id, relation, text in sample.related
                ],
            ),
            _element("version", sample.version) if sample.version else "",
            _wrapped(
                "rightsList",
                [
                    _element("rights", "Open Access", rightsURI="info:eu-repo/semantics/openAccess"),
                    _element("rights", licence_name, rightsIdentifier=licence, rightsIdentifierScheme="SPDX"),
                ],
            ),
            _wrapped("descriptions", [_element("description", sample.abstract, descriptionType="Abstract")]),
            _wrapped("geoLocations", [_geo_location(*sample.place)] if sample.place else []),
            "</resource>",
        )
    )


def _datacite_creator(creator: Creator) -> str:
    return _wrapped(
        "creator",
        [
            _element("creatorName", f"{creator.family}, {creator.given}", nameType="Personal"),
            _element("givenName", creator.given),
            _element("familyName", creator.family),
            _element("nameIdentifier", creator.orcid, nameIdentifierScheme="ORCID") if creator.orcid else "",
            _element("affiliation", creator.affiliation) if creator.affiliation else "",
        ],
    )


def _geo_location(name: str, latitude: str, longitude: str) -> str:
    point = _wrapped("geoLocationPoint", [_element("pointLongitude", longitude), _element("pointLatitude", latitude)])
    return _wrapped("geoLocation", [_element("geoLocationPlace", name), point])


def _oai_dc(sample: Sample) -> str:
    _, licence_name = sample.licence
    _, kind = sample.resource_type
    values = [
        ("title", sample.title),
        *(("creator", f"{creator.family}, {creator.given}") for creator in sample.creators),
        *(("subject", subject) for subject in sample.subjects),
        ("description", sample.abstract),
        ("publisher", "The Sample Repository"),
        ("date", sample.issued),
        ("type", f"info:eu-repo/semantics/{kind.lower().replace(' ', '')}"),
        ("identifier", f"https://doi.{HOST}/{sample.doi}"),
        ("identifier", sample.doi),
        ("identifier", sample.identifier),
        ("language", sample.language),
        *(("relation", f"{kind.lower()}:{text}" if kind == "DOI" else text) for kind, _, text in sample.related),
        ("rights", "info:eu-repo/semantics/openAccess"),
        ("rights", licence_name),
    ]
    elements = "".join(_element(f"dc:{name}", text) for name, text in values)
    return (
        f'<oai_dc:dc xmlns:dc="{_DC}" xmlns:oai_dc="{_DC_OAI}" xmlns:xsi="{_XSI}" '
        f'xsi:schemaLocation="{_DC_OAI} http://www.openarchives.org/OAI/2.0/oai_dc.xsd">{elements}</oai_dc:dc>'
    )
