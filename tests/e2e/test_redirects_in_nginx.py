"""The redirects of a migration as docs/migrations.md has nginx take them."""

import http.client
import re
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

from support import harvest_runs

from archive.migrations.outputs import write_nginx

PAGE = Path(__file__).parents[2] / "docs" / "migrations.md"
NEW = "https://new.example/records/"
PAIRS = [
    ("http://old.example/12/", f"{NEW}1"),
    ("http://old.example/12/1/paper.pdf", f"{NEW}1/files/paper.pdf"),
    ("http://old.example/12/1/paper.pdf?download=1", f"{NEW}1/files/paper.pdf?download=1"),
    ("http://old.example/record.php?id=2&lang=en", f"{NEW}2"),
    ("http://old.example/caf%C3%A9/a b", f"{NEW}3"),
]
ASKED = [
    ("/12/", f"{NEW}1"),
    ("/12", f"{NEW}1"),
    ("/12/?utm=x", f"{NEW}1"),
    ("/12/1/paper.pdf", f"{NEW}1/files/paper.pdf"),
    ("/12/1/paper.pdf?download=1", f"{NEW}1/files/paper.pdf?download=1"),
    ("/12/1/paper.pdf?v=2", f"{NEW}1/files/paper.pdf"),
    ("/record.php?lang=en&id=2", f"{NEW}2"),
    ("/record.php?id=3", None),
    ("/caf%C3%A9/a%20b", f"{NEW}3"),
    ("/13/", None),
]


def test_the_configuration_of_the_page_redirects_each_old_url(tmp_path: Path, need: Callable[[str], str]):
    [snippet] = re.findall(r"```nginx\n(.*?)```", PAGE.read_text(), re.DOTALL)
    assert not write_nginx(tmp_path / "moved.map", PAIRS).conflicts
    port = harvest_runs.free_port()
    listening = snippet.replace("server {", f"server {{ listen 127.0.0.1:{port}; root {tmp_path}/none;")
    temporary = "".join(
        f"{name}_temp_path {tmp_path}/temp; " for name in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    )
    (tmp_path / "nginx.conf").write_text(
        f"daemon off; master_process off; pid {tmp_path}/pid; error_log {tmp_path}/error.log; events {{}}\n"
        f"http {{ access_log off; {temporary}\n{listening} }}\n"
    )
    process = subprocess.Popen(
        [need("nginx"), "-e", tmp_path / "error.log", "-p", tmp_path, "-c", tmp_path / "nginx.conf"]
    )
    try:
        assert [(path, _location(port, path, process)) for path, _ in ASKED] == ASKED
    finally:
        harvest_runs.end(process)
        harvest_runs.give_back(port)


def _location(port: int, path: str, process: "subprocess.Popen[bytes]") -> str | None:
    """Return the Location of the response, None if there is none."""
    for _ in range(200):
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
        try:
            connection.request("GET", path, headers={"Host": "old.example"})
            return connection.getresponse().getheader("Location")
        except ConnectionRefusedError:
            assert process.poll() is None, "nginx has ended"
            time.sleep(0.05)
        finally:
            connection.close()
    raise AssertionError("nginx does not answer")
