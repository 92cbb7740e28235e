"""Chromium without a window, driven over its DevTools protocol, for tests of pages."""

import asyncio
import base64
import contextlib
import itertools
import json
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import aiohttp

_WORDS = (
    "--headless=new",
    "--remote-debugging-port=0",
    "--disable-gpu",
    "--no-sandbox",
    "--disable-dev-shm-usage",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--mute-audio",
    "--disable-extensions",
    "--hide-scrollbars",
    "--host-resolver-rules=MAP * ~NOTFOUND",
    "about:blank",
)

# Where an element can be pressed. Pages scroll smoothly: a place counts when it is the same for five frames and
# nothing else lies over it.
_STILL = """async selector => {
  const element = document.querySelector(selector);
  for (let still = 0, last = null; ;) {
    if (!still) element.scrollIntoView({block: 'center', behavior: 'instant'});
    await new Promise(requestAnimationFrame);
    const box = element.getClientRects()[0], place = [box.x + Math.min(box.width / 2, 40), box.y + box.height / 2];
    const there = document.elementFromPoint(...place);
    still = there && element.contains(there) && String(place) === String(last) ? still + 1 : 0;
    if (still === 5) return place;
    last = place;
  }
}"""


class Browser:
    """One page. `requests` are the URLs that were asked for, `said` what it wrote to its console or complained of."""

    def __init__(self, loop: asyncio.AbstractEventLoop, session: aiohttp.ClientSession, socket: Any) -> None:
        self._loop, self._session, self._socket = loop, session, socket
        self._numbers = itertools.count(1)
        self._events: list[dict[str, Any]] = []

    def ask(self, method: str, **parameters: Any) -> dict[str, Any]:
        """One command of the protocol, and its result."""
        return self._loop.run_until_complete(asyncio.wait_for(self._ask(method, parameters), 60))

    def open(self, url: str, width: int = 800, *, dark: bool = False, media: str = "screen") -> None:
        """Load a page at a width, in a colour scheme, and wait until it is there."""
        self._events.clear()
        for domain in ("Page", "Runtime", "Network", "Log"):
            self.ask(f"{domain}.enable")
        self.ask("Emulation.setDeviceMetricsOverride", width=width, height=900, deviceScaleFactor=1, mobile=width < 500)
        scheme = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
        self.ask("Emulation.setEmulatedMedia", media=media, features=[scheme])
        self.ask("Page.navigate", url=url)
        self.until("document.readyState === 'complete' && location.href !== 'about:blank'")

    def run(self, expression: str) -> Any:
        """The value of an expression in the page."""
        done = self.ask("Runtime.evaluate", expression=expression, returnByValue=True, awaitPromise=True)
        assert "exceptionDetails" not in done, done
        return done["result"].get("value")

    def until(self, expression: str, seconds: float = 30) -> None:
        """Wait for an expression to be true."""
        limit = time.monotonic() + seconds
        while not self.run(expression):
            assert time.monotonic() < limit, f"not true within {seconds} s: {expression}"
            time.sleep(0.05)

    def click(self, selector: str) -> None:
        """Press the mouse in the middle of the first element of a selector, once it lies still, as a person does."""
        x, y = self.run(f"({_STILL})({json.dumps(selector)})")
        for kind in ("mousePressed", "mouseReleased"):
            self.ask("Input.dispatchMouseEvent", type=kind, x=x, y=y, button="left", clickCount=1)

    def picture(self, path: Path) -> None:
        """The whole page as PNG."""
        height = self.run("document.documentElement.scrollHeight")
        width = self.run("document.documentElement.clientWidth")
        clip = {"x": 0, "y": 0, "width": width, "height": min(height, 16000), "scale": 1}
        done = self.ask("Page.captureScreenshot", format="png", captureBeyondViewport=True, clip=clip)
        path.write_bytes(base64.b64decode(done["data"]))

    @property
    def requests(self) -> list[str]:
        return [
            event["params"]["request"]["url"]
            for event in self._events
            if event["method"] == "Network.requestWillBeSent"
        ]

    @property
    def said(self) -> list[str]:
        kinds = (
            "Runtime.consoleAPICalled",
            "Runtime.exceptionThrown",
            "Log.entryAdded",
            "Page.javascriptDialogOpening",
        )
        return [json.dumps(event["params"]) for event in self._events if event["method"] in kinds]

    async def _ask(self, method: str, parameters: dict[str, Any]) -> dict[str, Any]:
        number = next(self._numbers)
        await self._socket.send_json({"id": number, "method": method, "params": parameters})
        while True:
            message = await self._socket.receive_json()
            if message.get("id") == number:
                assert "error" not in message, (method, message)
                return dict(message["result"])
            if "method" in message:
                self._events.append(message)


@contextmanager
def browser(program: str) -> Iterator[Browser]:
    """A Chromium of its own, which ends with the block."""
    loop = asyncio.new_event_loop()
    with tempfile.TemporaryDirectory(prefix="harvester-browser-", ignore_cleanup_errors=True) as profile:
        process = subprocess.Popen(
            [program, f"--user-data-dir={profile}", *_WORDS], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        try:
            port = _port(Path(profile) / "DevToolsActivePort", process)
            session = loop.run_until_complete(_session())
            try:
                socket = loop.run_until_complete(_connect(session, port))
                yield Browser(loop, session, socket)
                loop.run_until_complete(socket.close())
            finally:
                loop.run_until_complete(session.close())
        finally:
            process.terminate()
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(10)
            if process.poll() is None:
                process.kill()
                process.wait()
            loop.close()


async def _session() -> aiohttp.ClientSession:
    return aiohttp.ClientSession()


async def _connect(session: aiohttp.ClientSession, port: int) -> aiohttp.ClientWebSocketResponse:
    async with session.get(f"http://127.0.0.1:{port}/json/list") as answer:
        page = next(target for target in await answer.json() if target["type"] == "page")
    return await session.ws_connect(page["webSocketDebuggerUrl"], max_msg_size=1 << 28)


def _port(path: Path, process: "subprocess.Popen[bytes]") -> int:
    """The port that it chose, once it has written it down."""
    limit = time.monotonic() + 60
    while time.monotonic() < limit:
        with contextlib.suppress(OSError, ValueError, IndexError):
            return int(path.read_text().splitlines()[0])
        assert process.poll() is None, "the browser ended before it began"
        time.sleep(0.05)
    raise AssertionError("the browser names no port")
