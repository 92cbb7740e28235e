"""A small OAI-PMH provider with two sets and one fault in its lists at a time."""

from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler
from urllib.parse import parse_qs, urlsplit

RECORDS, PAGE = 24, 5


FIRST = datetime(2020, 1, 1, tzinfo=UTC)


class Provider(BaseHTTPRequestHandler):
    """Records one a day, the even ones in set `a`, the others in `b`; and what `fault` says."""

    fault = "none"
    asked: list[dict[str, str]]

    def do_GET(self) -> None:
        words = {name: values[0] for name, values in parse_qs(urlsplit(self.path).query).items()}
        self.asked.append(words)
        text = getattr(self, "do_" + words.get("verb", ""), lambda _: error("badVerb"))(words)
        head = "<responseDate>2026-01-01T00:00:00Z</responseDate><request>x</request>"
        body = f'<OAI-PMH xmlns="http://www.openarchives.org/OAI/2.0/">{head}{text}</OAI-PMH>'.encode()
        self.send_response(200)
        self.send_header("Content-Type", "text/xml")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *words: object) -> None:
        pass

    def do_Identify(self, words: dict[str, str]) -> str:
        return (
            "<Identify><repositoryName>x</repositoryName><baseURL>x</baseURL><protocolVersion>2.0</protocolVersion>"
            f"<earliestDatestamp>{self.stamp(0)}</earliestDatestamp><deletedRecord>no</deletedRecord>"
            "<granularity>YYYY-MM-DDThh:mm:ssZ</granularity></Identify>"
        )

    def do_ListMetadataFormats(self, words: dict[str, str]) -> str:
        return (
            "<ListMetadataFormats><metadataFormat><metadataPrefix>oai_dc</metadataPrefix><schema>s</schema>"
            "<metadataNamespace>n</metadataNamespace></metadataFormat></ListMetadataFormats>"
        )

    def do_ListSets(self, words: dict[str, str]) -> str:
        sets = "".join(f"<set><setSpec>{s}</setSpec><setName>{s}</setName></set>" for s in self.sets())
        return f"<ListSets>{sets}</ListSets>" if sets else error("noSetHierarchy")

    def sets(self) -> tuple[str, ...]:
        return tuple(f"s{n}" for n in range(8)) if self.fault == "one second" else ("a", "b")

    def set_of(self, number: int) -> str:
        return f"s{number % 8}" if self.fault == "one second" else "ab"[number % 2]

    def do_GetRecord(self, words: dict[str, str]) -> str:
        return f"<GetRecord>{self.record(int(words['identifier'].rpartition(':')[2]))}</GetRecord>"

    def do_ListIdentifiers(self, words: dict[str, str]) -> str:
        return self.listed("ListIdentifiers", words)

    def do_ListRecords(self, words: dict[str, str]) -> str:
        return self.listed("ListRecords", words)

    def stamp(self, number: int) -> str:
        step = 0 if self.fault == "one second" else number
        return (FIRST + timedelta(days=step)).strftime("%Y-%m-%dT%H:%M:%SZ")

    def header(self, number: int) -> str:
        spec = "" if self.fault.startswith("no set is shown") else f"<setSpec>{self.set_of(number)}</setSpec>"
        return (
            f"<header><identifier>oai:x:{number}</identifier><datestamp>{self.stamp(number)}</datestamp>{spec}</header>"
        )

    def record(self, number: int) -> str:
        return f"<record>{self.header(number)}<metadata><r>{number}</r></metadata></record>"

    def listed(self, verb: str, words: dict[str, str]) -> str:
        at, state = 0, {name: words.get(name, "") for name in ("from", "until", "set")}
        token = words.get("resumptionToken")
        if token is not None:
            if self.fault == "a token wants its prefix" and "metadataPrefix" not in words:
                return error("badArgument", "Missing metadataPrefix parameter")
            if self.fault == "a token is an error of the request":
                return error("badArgument", "no")
            at_text, *values = token.split("!")
            at, state = int(at_text), dict(zip(state, values, strict=True))
            if self.fault == "noRecordsMatch in mid-list" and at >= 15:
                return error("noRecordsMatch")
        elif self.fault == "bounds find half" and (state["from"] or state["until"]):
            state["from"] = max(state["from"], self.stamp(RECORDS // 2))
        found = [n for n in range(RECORDS) if self.inside(n, state)]
        if not found:
            return error("noRecordsMatch")
        shape = self.header if verb == "ListIdentifiers" else self.record
        items = "".join(shape(n) for n in found[at : at + PAGE])
        if "loses its set" in self.fault:
            state["set"] = ""
        onward = f"{at + PAGE}!{'!'.join(state.values())}" if at + PAGE < len(found) else ""
        if self.fault == "one second" and onward:
            onward = f"0!{'!'.join(state.values())}"
        size = "" if "no size" in self.fault else f' completeListSize="{len(found)}"'
        element = f"<resumptionToken{size}>{onward}</resumptionToken>" if onward or at else ""
        return f"<{verb}>{items}{element}</{verb}>"

    def inside(self, number: int, state: dict[str, str]) -> bool:
        stamp = self.stamp(number)
        early = state["from"] and stamp < state["from"]
        late = state["until"] and stamp > state["until"]
        return not (early or late or (state["set"] and state["set"] != self.set_of(number)))


def error(code: str, text: str = "x") -> str:
    return f'<error code="{code}">{text}</error>'
