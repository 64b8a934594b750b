"""Certificates for tests: an authority of the test's own, and what it signs, as the files that a configuration names."""

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path
from typing import Any

import trustme
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.x509.oid import NameOID

RSA, EC = trustme.KeyType.RSA, trustme.KeyType.ECDSA


@dataclass(frozen=True)
class Files:
    """A certificate with its key, and the authority that signed it."""

    cert_file: Path
    key_file: Path
    ca_file: Path

    def settings(self, **more: Any) -> dict[str, Any]:
        """Return them as the configuration names them."""
        paths = {"cert_file": self.cert_file, "key_file": self.key_file, "ca_file": self.ca_file}
        return {**{key: str(path) for key, path in paths.items()}, **more}

    def yaml(self, **more: Any) -> str:
        """Return them as one line of a configuration."""
        return json.dumps(self.settings(**more))


class Authority:
    """Signs certificates into a folder."""

    def __init__(self, folder: Path, name: str = "ca", *, key: trustme.KeyType = EC) -> None:
        self._folder = folder
        self.name = name
        self._ca = trustme.CA(organization_name=f"Clinic {name}", key_type=key)
        self.file = folder / f"{name}.pem"
        self._ca.cert_pem.write_to_path(self.file)

    def sign(
        self,
        *names: str,
        title: str = "node",
        days: float = 365,
        seconds: float = 0,
        key: trustme.KeyType = EC,
    ) -> Files:
        """Sign a certificate for ``names`` (of this computer where none are given), with this common name."""
        until = datetime.now(UTC) + timedelta(days=days, seconds=seconds)
        leaf = self._ca.issue_cert(
            *(names or ("127.0.0.1", "localhost")),
            common_name=title,
            not_before=until - timedelta(days=800),
            not_after=until,
            key_type=key,
        )
        return self._written(title, leaf.cert_chain_pems[0].bytes(), leaf.private_key_pem.bytes())

    def self_signed(self, *, title: str = "alone") -> Files:
        """Make a certificate for this computer that only its own key has signed; the authority is still the one here."""
        key = rsa.generate_private_key(65537, 2048)
        name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, title)])
        today = datetime.now(UTC)
        names = x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))])
        made = (
            x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
            .not_valid_before(today - timedelta(days=1))
            .not_valid_after(today + timedelta(days=365))
            .add_extension(names, critical=False)
            .sign(key, hashes.SHA256())
        )
        secret = key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
        return self._written(title, made.public_bytes(serialization.Encoding.PEM), secret)

    def _written(self, title: str, certificate: bytes, key: bytes) -> Files:
        files = Files(
            self._folder / f"{self.name}-{title}.pem", self._folder / f"{self.name}-{title}.key", self.file
        )
        for path in (files.cert_file, files.key_file):
            path.unlink(missing_ok=True)
        with os.fdopen(os.open(files.key_file, os.O_CREAT | os.O_WRONLY, 0o600), "wb") as file:
            file.write(key)
        files.cert_file.write_bytes(certificate)
        return files
