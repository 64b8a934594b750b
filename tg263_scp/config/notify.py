"""The section ``notify`` of the configuration: who is told that something waits, by a webhook and by mail."""

from __future__ import annotations

from typing import Annotated, Literal
from urllib.parse import urlsplit

from pydantic import AfterValidator, BeforeValidator, Field, model_validator

from tg263_scp.config.fields import Headers, Misfit, OptionalPath, Seconds, Section, Texts


def _webhook(value: str) -> str:
    try:
        url = urlsplit(value)
        well_formed = bool(url.hostname) and url.scheme in ("http", "https") and url.port != 0
    except ValueError:
        well_formed = False
    if not (well_formed and value.isascii() and value.isprintable() and " " not in value):
        raise ValueError("must be an address with http:// or https://")
    if url.username is not None or url.password is not None:
        raise ValueError("must hold no user name or password: give an Authorization header instead")
    return value


def _address(value: str) -> str:
    name, at, domain = value.rpartition("@")
    if not (
        name and at and domain and value.isascii() and value.isprintable() and not set(value) & set(" ,;<>")
    ):
        raise ValueError("must be a mail address, such as physics@example.org")
    return value


def _none_if_empty(value: object) -> object:
    return None if value == "" else value


_OptionalText = Annotated[str | None, BeforeValidator(_none_if_empty)]
_OptionalWebhook = Annotated[Annotated[str, AfterValidator(_webhook)] | None, BeforeValidator(_none_if_empty)]
_Address = Annotated[str, AfterValidator(_address)]
_OptionalAddress = Annotated[_Address | None, BeforeValidator(_none_if_empty)]


class Notify(Section):
    """Who is told, how, and how often."""

    # An address of a webhook is as good as a key: it is in no digest, no dump and no text of this object.
    webhook: _OptionalWebhook = Field(exclude=True, repr=False)
    webhook_headers: Headers = Field(exclude=True, repr=False)
    ca_file: OptionalPath
    smtp_host: _OptionalText
    smtp_port: Annotated[int, Field(ge=1, le=65535)]
    smtp_tls: Literal["starttls", "tls", "none"]
    smtp_user: _OptionalText
    smtp_password_file: OptionalPath
    mail_from: _OptionalAddress
    mail_to: Texts
    every_s: Annotated[float, Field(ge=3600)]
    destination_down_s: Seconds

    @model_validator(mode="after")
    def _goes_together(self) -> Notify:
        for address in self.mail_to:
            _refuse_no_address(address)
        if self.mail_to and not (self.smtp_host and self.mail_from):
            raise Misfit(
                "mail_to",
                "needs smtp_host and mail_from as well",
                hint="mail goes by a server, from somebody",
            )
        if self.smtp_user and self.smtp_tls == "none":
            raise Misfit(
                "smtp_user", "would send its password in the clear", hint="write smtp_tls: starttls or tls"
            )
        return self


def _refuse_no_address(address: str) -> None:
    try:
        _address(address)
    except ValueError as problem:
        raise Misfit(
            "mail_to", str(problem), hint="several addresses are a list: [a@example.org, b@example.org]"
        ) from None
