"""The language model in the conformance statement: where it is asked, what is sent, and which texts."""

from __future__ import annotations

from tg263_scp.config.llm import Llm
from tg263_scp.naming.llm.open_names import LONGEST_SENT
from tg263_scp.naming.llm.prompt_files import texts_sent
from tg263_scp.tools.statement.markdown import table


def llm_now(llm: Llm) -> str:
    """Whether and where a model is asked, in sentences."""
    if not llm.enabled:
        return (
            "Switched off here (`llm.enabled: no`): names that no rule knows are left for review. Otherwise:"
        )
    where = "on this computer" if llm.host_is_local else "not on this computer"
    allowed = " A model elsewhere is allowed (`llm.allow_remote`)." if llm.allow_remote else ""
    given = ", ".join(sorted(llm.apply.given))
    applied = (
        f"what it reads is given under rule R090 for: {given}; all else is suggested"
        if given
        else "what it reads is only suggested (`llm.apply`)"
    )
    tried = " It has to be qualified before." if given and llm.qualification.required else ""
    return f"Here it is `{llm.model}` at {llm.host}, {where}; {applied}.{tried}{allowed}"


def sent_table() -> str:
    """What of an object is sent."""
    rows = [
        (
            "ROI Name (3006,0026) of each open name",
            f"as it is written, without control characters, {LONGEST_SENT} characters at most; not where it repeats or looks"
            " like an identifier, nor, with `llm.withhold: strict`, where a word of it resembles nothing that is known",
        ),
        (
            "ROI Name (3006,0026) of up to 30 decided names",
            "as it is written, with its TG-263 name; withheld in the same cases",
        ),
        ("RT ROI Interpreted Type (3006,00A4)", "as it is, where it is a defined term of PS3.3 C.8.8.8.1"),
        (
            "the names of the set together",
            "the treatment site and the language that the program infers from them, each one of a fixed list",
        ),
        (
            "Contour Data (3006,0050), with `llm.geometry: yes` only",
            "side and size of an open ROI in words, never a coordinate",
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
