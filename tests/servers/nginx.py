"""nginx with ``docs/nginx.conf``, of which only ports, folders, certificate and the service's port are replaced."""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from tests.servers.process import LOOPBACK, Server, find_program, free_port

EXAMPLE: Final = Path(__file__).resolve().parents[2] / "docs" / "nginx.conf"
NAME: Final = "peyvand.example"
ONION: Final = "abcdefabcdef.onion"
_AROUND: Final = """daemon off;
pid nginx.pid;
worker_processes 1;
error_log {folder}/started.log warn;
events {{ worker_connections 512; }}
http {{
    types {{ text/html html; }}
    sendfile on;
    tcp_nopush on;
    client_body_temp_path bodies;
    proxy_temp_path proxied;
    fastcgi_temp_path fastcgi;
    uwsgi_temp_path uwsgi;
    scgi_temp_path scgi;
    include peyvand.conf;
{more}
}}
"""


class Nginx(Server):
    """The proxy in front of a service on ``upstream``: ``tls_port`` for the clear net, ``onion_port`` beside Tor.

    ``more`` is put into the ``http`` block, for a measurement's own server.
    """

    program = "nginx"
    account = "nobody"
    stop_seconds = 5

    def __init__(self, upstream: int, *, more: str = "") -> None:
        self._nginx = find_program("nginx")
        super().__init__()
        self.tls_port, self.onion_port = free_port(), free_port()
        self._write(self.folder / "peyvand.conf", self._example(upstream))
        self._write(self.folder / "nginx.conf", _AROUND.format(folder=self.folder, more=more))
        self._certificate()
        self.run(self._nginx, "-p", self.folder, "-c", self.folder / "nginx.conf", "-t", "-e", "e")

    def command(self) -> Sequence[str | os.PathLike[str]]:
        return [
            *(self._nginx, "-p", self.folder),
            *("-c", self.folder / "nginx.conf", "-e", self.folder / "started.log"),
        ]

    @property
    def words(self) -> str:
        """All that nginx wrote down anywhere but in its cache."""
        return "".join(path.read_text(errors="replace") for path in self.folder.glob("*log"))

    def kept(self) -> bytes:
        """All that lies in the cache."""
        found = (path for path in (self.folder / "cache").rglob("*") if path.is_file())
        return b"".join(path.read_bytes() for path in found)

    def _example(self, upstream: int) -> str:
        text = EXAMPLE.read_text("utf-8")
        replaced = {
            "/var/log/nginx/peyvand.log": f"{self.folder}/peyvand.log",
            "/var/cache/nginx/peyvand": f"{self.folder}/cache",
            "server 127.0.0.1:8000;": f"server {LOOPBACK}:{upstream};",
            "listen 80": f"listen {LOOPBACK}:{self.port}",
            "listen 443": f"listen {LOOPBACK}:{self.tls_port}",
            "listen 127.0.0.1:8080": f"listen {LOOPBACK}:{self.onion_port}",
            f"/etc/letsencrypt/live/{NAME}": str(self.folder),
        }
        for old, new in replaced.items():
            assert old in text, f"{EXAMPLE.name} no longer says {old}"
            text = text.replace(old, new)
        listens = re.findall(r"^\s*listen (\S+)", text, re.MULTILINE)
        assert all(place.startswith(f"{LOOPBACK}:") for place in listens), listens
        return text

    def _certificate(self) -> None:
        key = ec.generate_private_key(ec.SECP256R1())
        name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, NAME)])
        now = datetime.now(UTC)
        certificate = (
            x509.CertificateBuilder()
            .subject_name(name)
            .issuer_name(name)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - timedelta(days=1))
            .not_valid_after(now + timedelta(days=2))
            .add_extension(x509.SubjectAlternativeName([x509.DNSName(NAME)]), critical=False)
            .sign(key, hashes.SHA256())
        )
        pem = serialization.Encoding.PEM
        self._write(self.folder / "fullchain.pem", certificate.public_bytes(pem).decode())
        private = key.private_bytes(
            pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
        self._write(self.folder / "privkey.pem", private.decode())

    def _write(self, path: Path, text: str) -> None:
        path.write_text(text, "utf-8")
        if self._account:
            os.chown(path, self._account.pw_uid, self._account.pw_gid)
