"""What the statement says of TLS is what the configuration says."""

from __future__ import annotations

from tg263_scp.config.loading import load_config
from tg263_scp.tools.statement.configured import brief_table, peers_now, port_table
from tg263_scp.tools.statement.security import encryption_table, in_brief, suites

TEXT = """
tls: {cert_file: own.pem, key_file: own.key, ca_file: ca.pem}
listen: {port: 104}
listeners: [{host: 0.0.0.0, port: 2762, tls: {enabled: on, minimum_version: 1.3}}]
peers: {certificates: ['CN=tps']}
destinations:
  - {name: pacs, host: pacs.example.org, port: 2762, ae_title: PACS, tls: {enabled: on}}
  - name: pinned
    host: 10.1.2.3
    port: 2762
    ae_title: P
    tls: {enabled: on, certificates: ['CN=p'], cert_file: '', key_file: ''}
  - {name: plain, host: 10.1.2.4, port: 104, ae_title: P}
"""


def configured(tmp_path):
    path = tmp_path / "node.yaml"
    path.write_text(TEXT)
    return load_config(path)


def test_without_tls_nothing_is_said_to_be_encrypted():
    assert in_brief(load_config(None)) == "none"
    assert "| Encryption | none |" in brief_table(load_config(None))


def test_each_door_and_each_destination_has_its_line(tmp_path):
    config = configured(tmp_path)
    assert in_brief(config) == "TLS at 1 of 2 listeners and to 2 of 3 destinations"
    rows = encryption_table(config).splitlines()[2:]
    assert rows == [
        "| callers at `127.0.0.1`, `104` | no |  |  |  |",
        "| callers at `0.0.0.0`, `2762` | yes | 1.3 | required | shown |",
        "| destination pacs | yes | 1.2 | made out to `pacs.example.org` | shown where asked for |",
        "| destination pinned | yes | 1.2 | one of 1 listed | none |",
        "| destination plain | no |  |  |  |",
    ]
    assert "| 2762 | in | DICOM over TLS | `listeners` |" in port_table(config)
    assert "with one of the 1 listed certificates" in peers_now(config)


def test_suites_are_named():
    assert "`ECDHE-RSA-AES128-GCM-SHA256`" in suites()["tls_1_2_suites"]
