"""What a certificate says is read whether or not it is trusted."""

from __future__ import annotations

import hashlib
import ssl
from contextlib import suppress
from datetime import UTC, datetime

import pytest
from doubles.certificates import EC, RSA, Authority

from tg263_scp.config.tls import subject_pairs
from tg263_scp.errors import Tg263Error
from tg263_scp.tls.certificates import Unreadable, certificates_in, read_certificate


@pytest.fixture
def authority(tmp_path):
    return Authority(tmp_path)


@pytest.mark.parametrize("key", [EC, RSA])
def test_subject_names_and_days_are_read(authority, key):
    files = authority.sign("pacs.example.org", "10.1.2.3", "::1", title="pacs", days=20, key=key)
    (read,) = certificates_in(files.cert_file)
    assert ("CN", "pacs") in read.subject
    assert "CN=pacs" in read.title
    assert "O=Clinic ca" in read.issued_by
    assert read.names == ("pacs.example.org", "10.1.2.3", "::1")
    assert 19.9 < read.days_left(datetime.now(UTC)) <= 20.0


def test_what_python_reads_of_a_trusted_certificate_is_what_we_read(authority):
    files = authority.sign(title="pacs")
    context = ssl.create_default_context(cafile=authority.file)
    (theirs,) = context.get_ca_certs()
    (ours,) = certificates_in(authority.file)
    assert theirs["notAfter"] == ours.not_after.strftime("%b %e %H:%M:%S %Y GMT")
    said = {value for relative in theirs["subject"] for _, value in relative}
    assert said == {value for _, value in ours.subject}
    assert ours.sha256 == hashlib.sha256(context.get_ca_certs(binary_form=True)[0]).hexdigest()
    assert files.cert_file.exists()


def test_an_expired_certificate_is_read_too(authority):
    (read,) = certificates_in(authority.sign(days=-1).cert_file)
    assert read.days_left(datetime.now(UTC)) < 0


def test_a_chain_is_read_in_its_order(authority, tmp_path):
    files = authority.sign(title="pacs")
    chain = tmp_path / "chain.pem"
    chain.write_bytes(files.cert_file.read_bytes() + authority.file.read_bytes())
    assert ["CN=pacs" in each.title for each in certificates_in(chain)] == [True, False]


@pytest.mark.parametrize(
    ("listed", "fits"),
    [
        ("CN=pacs", True),
        ("CN=pacs, O=Somebody Else", False),
        ("CN=other", False),
        ("CN=PACS", False),
    ],
)
def test_a_subject_is_listed_by_what_it_says(authority, listed, fits):
    (read,) = certificates_in(authority.sign(title="pacs").cert_file)
    assert read.is_one_of([listed]) is fits
    assert read.is_one_of([listed, read.sha256])


def test_an_attribute_of_the_name_cannot_be_smuggled_in_by_a_comma(authority):
    (read,) = certificates_in(authority.sign(title="other, CN=pacs").cert_file)
    assert not read.is_one_of(["CN=pacs"])
    assert read.is_one_of([r"CN=other\, CN=pacs"])
    assert subject_pairs("CN=pacs, XX=1") is None


def test_bytes_that_are_no_certificate_are_refused(authority):
    der = certificates_in(authority.file)[0].der
    for cut in (0, 1, 2, 50, len(der) // 2, len(der) - 1):
        with pytest.raises(Unreadable):
            read_certificate(der[:cut])
    for place in range(0, 120, 7):
        damaged = der[:place] + b"\xff" + der[place + 1 :]
        with suppress(Unreadable):
            read_certificate(damaged)


def test_a_file_without_a_certificate_is_named(tmp_path):
    empty = tmp_path / "empty.pem"
    empty.write_text("no certificate")
    with pytest.raises(Tg263Error, match=r"empty\.pem: there is no certificate"):
        certificates_in(empty)
    with pytest.raises(Tg263Error, match="No such file"):
        certificates_in(tmp_path / "absent.pem")
