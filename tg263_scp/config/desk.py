"""The section ``desk``: the review desk and the names API."""

from __future__ import annotations

from ipaddress import ip_address
from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import BeforeValidator, Field, model_validator

from tg263_scp.config.fields import (
    Misfit,
    Networks,
    OptionalPath,
    OptionalPort,
    Seconds,
    Section,
    Size,
    Texts,
    Truth,
    list_of_texts,
)

DeskRole = Literal["look", "decide", "approve", "operate"]
DeskRoles = Annotated[list[DeskRole], BeforeValidator(list_of_texts)]


class Desk(Section):
    """Where the desk listens, who may come in, and how much one caller may ask for."""

    host: Annotated[str, Field(min_length=1)]
    port: OptionalPort
    hosts: Texts
    login_link: Truth
    link_file: Path
    users: Path
    tokens: Path
    session_s: Seconds
    cert_file: OptionalPath
    key_file: OptionalPath
    plain_http: Truth
    proxy_addresses: Networks
    proxy_user_header: Annotated[str, Field(pattern=r"^[A-Za-z0-9-]+$")]
    proxy_roles: DeskRoles
    show_patient_id: Truth
    request_bytes: Annotated[Size, Field(ge=1 << 12)]
    requests_per_minute: Annotated[int, Field(ge=1)]
    names_per_request: Annotated[int, Field(ge=1)]

    @model_validator(mode="after")
    def _passwords_are_not_sent_in_the_clear(self) -> Self:
        if (self.cert_file is None) != (self.key_file is None):
            key = "key_file" if self.cert_file else "cert_file"
            raise Misfit(key, "is missing", hint="a certificate and its key go together")
        if not (self.is_local or self.cert_file or self.plain_http):
            raise Misfit(
                "host",
                "is not this computer, and the desk has no certificate",
                hint="give desk.cert_file and desk.key_file; or, behind a proxy that encrypts, desk.plain_http: yes",
            )
        return self

    @property
    def is_local(self) -> bool:
        """Whether only this computer reaches it."""
        if self.host == "localhost":
            return True
        try:
            return ip_address(self.host).is_loopback
        except ValueError:
            return False
