"""Certificates for tests: an authority, and what it signs, as PEM files that Kafka, Redis and Python read alike."""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import NamedTuple

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    KeySerializationEncryption,
    NoEncryption,
    PrivateFormat,
)
from cryptography.x509.oid import NameOID

__all__ = ["Authority", "Certificate"]

_DAY = dt.timedelta(days=1)


class Certificate(NamedTuple):
    """Files of a certificate and its key; `both` holds the one after the other."""

    certificate: Path
    key: Path
    both: Path


class Authority:
    """An authority of our own. Its certificate is in `file`."""

    def __init__(self, directory: Path, name: str = "Rapport's tests") -> None:
        directory.mkdir(parents=True, exist_ok=True)
        self._directory = directory
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
        built = _begin(self._name, self._name, self._key).add_extension(x509.BasicConstraints(True, 0), critical=True)
        self._certificate = built.sign(self._key, hashes.SHA256())
        self.file = directory / "ca.pem"
        self.file.write_bytes(self._certificate.public_bytes(Encoding.PEM))

    def sign(self, name: str, *hosts: str, password: str = "") -> Certificate:
        """A certificate for a server that is called by these host names, or for a client; and its key."""
        key = ec.generate_private_key(ec.SECP256R1())
        built = _begin(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)]), self._name, key)
        if hosts:
            names = x509.SubjectAlternativeName([x509.DNSName(host) for host in hosts])
            built = built.add_extension(names, critical=False)
        hidden: KeySerializationEncryption = BestAvailableEncryption(password.encode()) if password else NoEncryption()
        keyed = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, hidden)
        signed = built.sign(self._key, hashes.SHA256()).public_bytes(Encoding.PEM)
        files = Certificate(*(self._directory / f"{name}.{kind}.pem" for kind in ("certificate", "key", "both")))
        files.certificate.write_bytes(signed)
        files.key.write_bytes(keyed)
        files.both.write_bytes(keyed + signed)
        return files


def _begin(subject: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePrivateKey) -> x509.CertificateBuilder:
    now = dt.datetime.now(dt.UTC)
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - _DAY)
        .not_valid_after(now + 30 * _DAY)
    )
