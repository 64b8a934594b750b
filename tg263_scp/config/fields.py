"""The types of single settings: how a text of the configuration becomes a number, a size, an AE title, a host ...

Each says in its error what would have been right. :mod:`tg263_scp.config.sections` puts them together to sections.
"""

from __future__ import annotations

import re
from ipaddress import IPv4Network, IPv6Network, ip_network
from pathlib import Path
from typing import Annotated, Any, Literal
from urllib.parse import urlsplit

from pydantic import AfterValidator, BaseModel, BeforeValidator, ByteSize, ConfigDict, Field

from tg263_scp import yamlsource

_SIZE = re.compile(r"\d+\s*([KMGT]iB)?", re.IGNORECASE)
_TRUTH = {"true", "yes", "on", "false", "no", "off"}
_TOKEN = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_PLAIN = re.compile(r"[!-~]+")
_MODEL_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._/:-]{0,199}")
_OUR_HEADERS = {"accept-encoding", "connection", "content-length", "content-type", "transfer-encoding"}
_NOT_IN_A_FILE_NAME = re.compile(r"[^A-Za-z0-9._-]")


def _size(value: Any) -> Any:
    """Refuse what ``ByteSize`` reads in part: to it ``2,5 GiB`` is two bytes."""
    if isinstance(value, str) and not _SIZE.fullmatch(value.strip()):
        raise ValueError("must be bytes or a number with KiB, MiB, GiB or TiB, such as 2 GiB")
    return value


def _truth(value: Any) -> Any:
    """Take the words of the reference only: ``bool`` alone would take ``1``, ``t`` and ``y`` as well."""
    if not isinstance(value, str):
        return value
    word = value.strip().lower()
    if word not in _TRUTH:
        raise ValueError("must be true or false (also yes/no, on/off)")
    return word


def none_if_empty(value: Any) -> Any:
    """Read an empty value as none."""
    return None if value == "" else value


def list_of_texts(value: Any) -> Any:
    """Read one text as the list that it may stand for."""
    return list(yamlsource.texts(value)) if isinstance(value, str) else value


def _ae_title(value: str) -> str:
    if not 1 <= len(value.strip()) <= 16 or "\\" in value or not (value.isascii() and value.isprintable()):
        raise ValueError("must be an AE title: 1 to 16 printable ASCII characters, no backslash (PS3.5 6.2)")
    return value.strip()


def _system_name(value: str) -> str:
    if not 1 <= len(value.strip()) <= 64 or "\\" in value or not (value.isascii() and value.isprintable()):
        raise ValueError("must be 1 to 64 printable ASCII characters without backslash (PS3.5 6.2, LO)")
    return value.strip()


def _network(value: Any) -> Any:
    """Read ``10.1.2.3/16`` as the network that the address lies in, which pydantic alone refuses."""
    return ip_network(value, strict=False) if isinstance(value, str) else value


def _header(value: Any) -> Any:
    name, colon, content = value.partition(":") if isinstance(value, str) else ("", "", "")
    content = content.strip()
    if (
        not colon
        or not _TOKEN.fullmatch(name)
        or not (content and content.isascii() and content.isprintable())
    ):
        raise ValueError(
            "must be a header in quotes, 'Name: value', printable ASCII on one line (RFC 9110 5)"
        )
    if name.lower() in _OUR_HEADERS:
        raise ValueError(f"the header {name} is set by this program")
    return f"{name}: {content}"


def _http_url(value: str) -> str:
    try:
        url = urlsplit(value)
        hostname, port = url.hostname, url.port
    except ValueError:
        hostname, port = None, None
    if hostname is None or url.scheme not in ("http", "https") or port == 0 or not _PLAIN.fullmatch(value):
        raise ValueError("must be an address with http:// or https://, such as http://127.0.0.1:11434")
    if url.username is not None or url.password is not None:
        raise ValueError("must hold no user name or password: give an Authorization header instead")
    if url.query or url.fragment:
        raise ValueError("must end with the port or a path")
    return value.rstrip("/")


def _model_name(value: str) -> str:
    if not _MODEL_NAME.fullmatch(value):
        raise ValueError("must be the name of a model as Ollama lists it, such as qwen2.5:7b-instruct")
    return value


def _uid(value: str) -> str:
    if len(value) > 64 or not re.fullmatch(r"\d+(\.\d+)+", value):
        raise ValueError("must be a DICOM UID: digits and dots, at most 64 characters (PS3.5 9.1)")
    return value


def _uid_or_any(value: str) -> str:
    return value if value == "any" else _uid(value)


def _modality(value: str) -> str:
    if not re.fullmatch(r"[A-Z0-9_ ]{1,16}", value):
        raise ValueError("must be a Modality (0008,0060), such as RTSTRUCT (PS3.5 6.2, CS)")
    return value


def _times(value: str) -> str:
    """Take a part of the day, which may go over midnight."""
    hours = r"(?:[01]\d|2[0-3]):[0-5]\d"
    begin, _, end = value.replace(" ", "").partition("-")
    if not (re.fullmatch(hours, begin) and re.fullmatch(hours, end)) or begin == end:
        raise ValueError("must be two times of the day, such as 20:00-06:00")
    return f"{begin}-{end}"


def _plain_name(value: str) -> str:
    if not value or _NOT_IN_A_FILE_NAME.search(value):
        raise ValueError("must consist of letters, digits, dot, hyphen and underscore")
    return value


PlainName = Annotated[str, AfterValidator(_plain_name)]
Truth = Annotated[bool, BeforeValidator(_truth)]
Size = Annotated[ByteSize, BeforeValidator(_size)]
Seconds = Annotated[float, Field(gt=0)]
Port = Annotated[int, Field(ge=0, le=65535)]
AeTitle = Annotated[str, AfterValidator(_ae_title)]
Network = Annotated[IPv4Network | IPv6Network, BeforeValidator(_network)]
Url = Annotated[str, AfterValidator(_http_url)]
ModelName = Annotated[str, AfterValidator(_model_name)]
OptionalModelName = Annotated[ModelName | None, BeforeValidator(none_if_empty)]
Header = Annotated[str, BeforeValidator(_header)]
Uid = Annotated[str, AfterValidator(_uid)]
Share = Annotated[float, Field(ge=0, le=1)]
OptionalCount = Annotated[Annotated[int, Field(ge=1)] | None, BeforeValidator(none_if_empty)]
OptionalPort = Annotated[Port | None, BeforeValidator(none_if_empty)]
OptionalPath = Annotated[Path | None, BeforeValidator(none_if_empty)]
OptionalAeTitle = Annotated[AeTitle | None, BeforeValidator(none_if_empty)]
OptionalSystemName = Annotated[
    Annotated[str, AfterValidator(_system_name)] | None, BeforeValidator(none_if_empty)
]
AeTitles = Annotated[list[AeTitle], BeforeValidator(list_of_texts)]
Networks = Annotated[list[Network], BeforeValidator(list_of_texts)]
Uids = Annotated[list[Uid], BeforeValidator(list_of_texts)]
ExtraSopClasses = Annotated[list[Annotated[str, AfterValidator(_uid_or_any)]], BeforeValidator(list_of_texts)]
Modalities = Annotated[list[Annotated[str, AfterValidator(_modality)]], BeforeValidator(list_of_texts)]
OptionalTimes = Annotated[Annotated[str, AfterValidator(_times)] | None, BeforeValidator(none_if_empty)]
Texts = Annotated[list[str], BeforeValidator(list_of_texts)]
SyntaxNames = Annotated[
    list[Literal["explicit", "implicit", "deflated", "big_endian"]], BeforeValidator(list_of_texts)
]
Headers = Annotated[list[Header], BeforeValidator(list_of_texts)]


class Misfit(ValueError):  # noqa: N818 - a ValueError is what pydantic wants of a validator
    """Settings that do not go together: the key to look at, what is wrong, what to do.

    A key deeper in the section is given by the way to it, such as ``("routes", 0, "destinations")``.
    """

    def __init__(self, key: str | tuple[str | int, ...], problem: str, *, hint: str) -> None:
        super().__init__(problem)
        self.way = (key,) if isinstance(key, str) else key
        self.hint = hint


class Section(BaseModel):
    """A section of the configuration: frozen, and closed against keys it does not know.

    What is wrong is said without the value: a value can be a secret.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)
