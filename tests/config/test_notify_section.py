"""The section ``notify``: what goes together, and what is never shown."""

from __future__ import annotations

from pathlib import Path

import pytest

from tg263_scp.config.loading import load_config
from tg263_scp.config.notify import Notify
from tg263_scp.errors import ConfigError


def read(folder: Path, text: str) -> Notify:
    path = folder / "node.yaml"
    path.write_text(f"notify: {{{text}}}\n", encoding="utf-8")
    return load_config(path).notify


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("webhook: 'ftp://x'", "http://"),
        ("webhook: 'https://user:pw@x/'", "no user name"),
        ("mail_to: [a@example.org]", "smtp_host and mail_from"),
        ("mail_to: [nobody], smtp_host: h, mail_from: a@b", "a mail address"),
        ("mail_from: 'a b@c'", "a mail address"),
        ("every_s: 60", "3600 or more"),
        ("smtp_user: x, smtp_tls: none", "in the clear"),
        ("smtp_tls: ssl", "starttls"),
        ("hook: x", "unknown key"),
    ],
)
def test_what_does_not_go_together_is_said_with_its_line(tmp_path: Path, text: str, said: str) -> None:
    with pytest.raises(ConfigError, match=said) as caught:
        read(tmp_path, text)
    assert caught.value.where.line == 1


def test_addresses_and_headers_of_a_webhook_are_in_no_text_and_no_digest(tmp_path: Path) -> None:
    notify = read(tmp_path, "webhook: 'https://chat.example.org/T0/secret', webhook_headers: ['X: secret']")
    assert notify.webhook == "https://chat.example.org/T0/secret"
    assert "secret" not in repr(notify)
    assert "secret" not in notify.model_dump_json()
    assert read(tmp_path, "smtp_password_file: pw").smtp_password_file == tmp_path / "pw"
