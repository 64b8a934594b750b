"""The language model in the conformance statement: where it is asked, what is sent, and which texts."""

from __future__ import annotations

from tg263_scp.config.llm import Llm
from tg263_scp.naming.llm.prompt_files import texts_sent
from tg263_scp.naming.llm.questions import LONGEST_SENT
from tg263_scp.tools.statement.markdown import table


def llm_now(llm: Llm) -> str:
    """Whether and where a model is asked, in sentences."""
    if not llm.enabled:
        return "Switched off here (`llm.enabled: no`): names that no rule knows go to a person. Otherwise:"
    where = "on this computer" if llm.host_is_local else "not on this computer"
    allowed = " A model elsewhere is allowed (`llm.allow_remote`)." if llm.allow_remote else ""
    applied = {
        "unanimous": "its choice is given under rule R090",
        "suggest": "its choice is only suggested to a person (`llm.apply: suggest`)",
    }
    return f"Here it is `{llm.model}` at {llm.host}, {where}; {applied[llm.apply]}.{allowed}"


def sent_table() -> str:
    """What of an object is sent."""
    rows = [
        (
            "ROI Name (3006,0026)",
            "the words, in small letters and without accents; sides, margins, doses, numbers that no offered name has, and"
            f" control characters are taken out; {LONGEST_SENT} characters at most",
        ),
        ("RT ROI Interpreted Type (3006,00A4)", "as it is, where it is a defined term of PS3.3 C.8.8.8.1"),
        (
            "the names of the set together",
            "the treatment site that the program infers from them, one of a fixed list",
        ),
        (
            "nothing of the object",
            "the texts below, and structures of TG-263 with the program's own meanings",
        ),
    ]
    return table(("of", "is sent"), rows)


def prompt_table() -> str:
    """The texts that may be sent."""
    return table(("text", "purpose"), [(f"`{name}`", purpose) for name, purpose in texts_sent()])
