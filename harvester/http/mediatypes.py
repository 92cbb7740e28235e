"""Media types of records: their short names, and what kind of bytes a body under each of them must be."""

import re

# the names that providers' export pages and this archive use; what is not here is named after its subtype
_SHORT = {
    "application/json": "json",
    "application/vnd.zenodo.v1+json": "zenodo-json",
    "application/vnd.inveniordm.v1+json": "inveniordm-json",
    "application/vnd.datacite.datacite+json": "datacite-json",
    "application/vnd.datacite.datacite+xml": "datacite-xml",
    "application/x-datacite+xml": "datacite-xml",
    "application/x-datacite-v41+xml": "datacite-v41-xml",
    "application/marcxml+xml": "marcxml",
    "application/marc": "marc",
    "application/x-marc": "marc",
    "application/marc21": "marc",
    "application/x-dc+xml": "dc-xml",
    "application/dcat+xml": "dcat-xml",
    "application/ld+json": "jsonld",
    "application/vnd.schemaorg.ld+json": "jsonld",
    "application/vnd.citationstyles.csl+json": "csl-json",
    "application/citeproc+json": "csl-json",
    "application/vnd.geo+json": "geojson",
    "application/geo+json": "geojson",
    "application/x-bibtex": "bibtex",
    "text/x-bibliography": "bibliography",
    "application/linkset+json": "linkset-json",
    "application/vnd.api+json": "jsonapi",
    "application/vnd.eprints.data+xml": "ep3-xml",
    "application/x-research-info-systems": "ris",
    "application/xml": "xml",
    "text/xml": "xml",
    "text/html": "html",
    "text/plain": "text",
}
# sent under another name than it was asked for, and still what was asked for
_ANSWERS_AS = {
    "text/x-bibliography": "text/plain",
    "application/x-bibtex": "text/x-bibtex",
    "application/vnd.api+json": "application/json",  # DataCite, always (lupo @ 1e83869a mime_types.rb)
}


def essence(media_type: str) -> str:
    """The media type in lower case without its parameters (RFC 9110, section 8.3.1); "" for no media type."""
    found = media_type.partition(";")[0].strip().lower()
    return found if re.fullmatch(r"[\w!#$&^.+-]+/[\w!#$&^.+-]+", found, re.ASCII) else ""


def parameters(media_type: str) -> dict[str, str]:
    """The parameters of a media type but q, names in lower case, values without their quotes."""
    found = {}
    for name, quoted, plain in re.findall(r';\s*([\w-]+)\s*=\s*(?:"([^"]*)"|([^;,\s]*))', media_type):
        found[name.lower()] = quoted or plain
    found.pop("q", None)
    return found


def short_name(media_type: str) -> str:
    """What the records of a media type are called: letters, digits, dots and hyphens.

    A profile makes a name of its own: `application/ld+json;profile="https://…/datapackage.json"` is
    jsonld-datapackage.
    """
    plain = essence(media_type)
    subtype = plain.partition("/")[2]
    name = _SHORT.get(plain) or re.sub(r"[^a-z0-9.]+", "-", subtype.removeprefix("vnd.").removeprefix("x-")).strip("-")
    profile = parameters(media_type).get("profile", "")
    last = profile.rstrip("/").rpartition("/")[2].partition(".")[0].lower()
    suffix = re.sub(r"[^a-z0-9]+", "-", last).strip("-")
    return f"{name or 'unnamed'}-{suffix}" if suffix else name or "unnamed"


def kind_of(media_type: str) -> str:
    """json, xml, html or text: what the bytes of a body under this media type must be."""
    plain = essence(media_type)
    if plain in ("text/html", "application/xhtml+xml"):
        return "html"
    if plain.endswith(("+json", "/json")):
        return "json"
    return "xml" if plain.endswith(("+xml", "/xml")) else "text"


def is_marc(media_type: str) -> bool:
    """Whether a media type is of MARC in its binary form, ISO 2709 (RFC 2220)."""
    return _SHORT.get(essence(media_type)) == "marc"


def same(asked: str, answered: str) -> bool:
    """Whether an answer's Content-Type is that of the form that was asked for, under this name or another."""
    one, other = essence(asked), essence(answered)
    return one == other or _ANSWERS_AS.get(one) == other or (_SHORT.get(one, one) == _SHORT.get(other, other))
