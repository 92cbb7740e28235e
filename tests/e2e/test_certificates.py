"""Certificates are verified: a provider that cannot prove who it is gets no request, and no token."""

import datetime
import ipaddress
import subprocess
from pathlib import Path

import pytest
from support import harvest_runs
from support.echo_provider import echoing
from support.harvest_runs import Harvest

x509 = pytest.importorskip("cryptography.x509")


@pytest.fixture
def certificate(tmp_path: Path) -> Path:
    """A certificate for 127.0.0.1 that nobody but itself has signed, with its key."""
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec
    from cryptography.x509.oid import NameOID

    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "127.0.0.1")])
    now = datetime.datetime.now(datetime.UTC)
    day = datetime.timedelta(days=1)
    signed = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number(), now - day, now + day)
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]), critical=False)
        .sign(key, hashes.SHA256())
    )
    text = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    path = tmp_path / "certificate.pem"
    path.write_bytes(text + signed.public_bytes(serialization.Encoding.PEM))
    return path


def test_a_certificate_that_signs_itself_is_refused_and_named(certificate: Path, harvest: Harvest):
    with echoing(certificate=certificate) as provider:
        assert harvest.run(provider.url) == 3
        assert provider.seen == []
        assert f"{provider.host} shows a certificate that is not trusted" in harvest.output
    assert not harvest.archive.exists()


def test_one_record_is_asked_for_only_where_the_certificate_is_trusted(certificate: Path):
    environment = {**harvest_runs.environment(), "EXAMPLE_TOKEN": "a-secret-of-some-length"}
    with echoing(certificate=certificate) as provider:
        command = [harvest_runs.HARVESTER, "get", f"https://{provider.host}/release", "x", "--token", "EXAMPLE_TOKEN"]
        refused = subprocess.run(command, capture_output=True, text=True, timeout=600, check=False, env=environment)
        assert (refused.returncode, refused.stdout, provider.seen) == (3, "", [])
        assert f"{provider.host} shows a certificate that is not trusted" in refused.stderr
        environment["SSL_CERT_FILE"] = str(certificate)
        subprocess.run(command, capture_output=True, timeout=600, check=False, env=environment)
        assert provider.seen
