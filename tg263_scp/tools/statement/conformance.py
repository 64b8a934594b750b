"""``conformance``: the DICOM conformance statement of the program and a configuration (PS3.2 Annex N).

Everything in it comes from the tables the node runs by, from the configuration, from the template and from the evidence in
``conformance/``. Equal program, libraries and configuration give an equal document.
"""

from __future__ import annotations

import hashlib
from importlib.metadata import version
from pathlib import Path
from typing import Any

from tg263_scp import __version__
from tg263_scp.config.loading import load_config
from tg263_scp.dicom.encoding.part10 import IMPLEMENTATION_CLASS_UID, IMPLEMENTATION_VERSION_NAME
from tg263_scp.dicom.network.storage_classes import accepted_transfer_syntaxes, carried_sop_classes
from tg263_scp.errors import DataFileError, SourceLine
from tg263_scp.naming.llm.prompt_files import prompts_digest
from tg263_scp.resources import data_folder
from tg263_scp.tools.shared.csv_tables import write_atomically
from tg263_scp.tools.shared.exitcode import ExitCode
from tg263_scp.tools.shared.terminal import print_json, print_table, say
from tg263_scp.tools.statement import configured, llm, network, security, services
from tg263_scp.tools.statement.evidence import Claim, evidence_table, load_claims
from tg263_scp.tools.statement.markdown import contents
from tg263_scp.tools.statement.network import duration
from tg263_scp.tools.statement.settings import Setting, settings_of, settings_table
from tg263_scp.tools.statement.template import fill

TEMPLATE_NAME = "statement.template.md"
_CONTENTS_DEPTH = 3
LIBRARIES = ("pydicom", "pynetdicom")
"""They know the standard's registry of UIDs; a newer one may know more."""


def conformance(config: Path | None, target: Path | None, as_json: bool) -> ExitCode:
    """The verb ``conformance``: without a configuration the defaults are described."""
    if as_json:
        print_json(_machine_readable(config))
        return ExitCode.DONE
    text = statement(config)
    if target is None:
        print_table(text)
    else:
        write_atomically(target, text)
        say(f"{target}: conformance statement of tg263-scp {__version__}")
    return ExitCode.DONE


def statement(config: Path | None = None) -> str:
    """Return the statement as Markdown.

    Raises:
        ConfigError: the configuration cannot be used.
        DataFileError: template and evidence do not fit each other or the program.
    """
    template = data_folder("conformance") / TEMPLATE_NAME
    claims = load_claims()
    settings = settings_of(config)
    return fill(
        template,
        _facts(config, template, claims, settings),
        {each.key: each.here for each in settings},
        claims,
    )


def _facts(
    path: Path | None, template: Path, claims: dict[str, Claim], settings: list[Setting]
) -> dict[str, str]:
    config = load_config(path)

    def link(claim: str) -> str:
        if claim not in claims:
            raise DataFileError(
                SourceLine("conformance/claims.yaml", 0),
                f"there is no claim '{claim}' for something that the program does",
                hint="add it, with the tests that show it",
            )
        return claims[claim].link

    return {
        "version": __version__,
        "class_uid": IMPLEMENTATION_CLASS_UID,
        "version_name": IMPLEMENTATION_VERSION_NAME,
        "configuration": _configuration(path),
        "command": f"tg263-scp conformance{f' --config {path.name}' if path else ''}",
        "libraries": libraries(),
        "contents": contents(template.read_text(encoding="utf-8"), depth=_CONTENTS_DEPTH),
        "sop_class_table": services.sop_class_table(config.listen.extra_sop_classes),
        "transfer_syntax_table": services.transfer_syntax_table(config.listen.transfer_syntaxes),
        "charset_table": services.charset_table(),
        "coercion_table": services.coercion_table(link),
        "common_module_table": services.common_module_table(),
        "structure_set_table": services.structure_set_table(),
        "references_table": services.references_table(),
        "scu_status_table": services.scu_status_table(link),
        "scp_status_table": services.scp_status_table(link),
        "echo_syntaxes": services.echo_syntaxes(),
        "purpose": services.purpose(),
        "left_alone": services.left_alone(),
        "limits_table": network.limits_table(config, link),
        "association_table": network.association_table(config, link),
        "reason_table": configured.reason_table(),
        "settings_table": settings_table(settings),
        "model_now": llm.llm_now(config.llm),
        "model_budget": duration(config.llm.object_budget_s),
        "model_sent_table": llm.sent_table(),
        "prompts_digest": prompts_digest(),
        "prompt_table": llm.prompt_table(),
        "gate_table": configured.gate_table(config, settings, link),
        "routes_now": configured.routes_now(config),
        "route_table": configured.route_table(config),
        "brief_table": configured.brief_table(config),
        "port_table": configured.port_table(config),
        "destination_table": configured.destination_table(config),
        "peers_now": configured.peers_now(config),
        "acceptance_now": configured.acceptance_now(config),
        "retry": network.retry(config),
        "patience": network.patience(),
        "max_contexts": network.max_contexts(),
        "dicom_evidence": evidence_table(claims.values(), ihe=False),
        "ihe_evidence": evidence_table(claims.values(), ihe=True),
        **configured.switches(config),
        "encryption_table": security.encryption_table(config),
        **security.suites(),
    }


def _configuration(path: Path | None) -> str:
    if path is None:
        return "the defaults"
    return f"`{path.name}`, SHA-256 {hashlib.sha256(path.read_bytes()).hexdigest()}"


def libraries() -> str:
    """Name the versions that the lists of SOP classes and transfer syntaxes depend on."""
    return ", ".join(f"{name} {version(name)}" for name in LIBRARIES)


def _machine_readable(path: Path | None) -> dict[str, Any]:
    config = load_config(path)
    return {
        "product": "tg263-scp",
        "version": __version__,
        "implementation_class_uid": IMPLEMENTATION_CLASS_UID,
        "implementation_version_name": IMPLEMENTATION_VERSION_NAME,
        "sop_classes": carried_sop_classes(config.listen.extra_sop_classes),
        "transfer_syntaxes": accepted_transfer_syntaxes(config.listen.transfer_syntaxes),
        "settings": {each.key: each.here for each in settings_of(path)},
        "claims": [
            {
                "claim": claim.name,
                "clauses": list(claim.clauses),
                "says": claim.says,
                "with": claim.peers,
                "tests": {module: list(names) for module, names in claim.tests.items()},
            }
            for claim in load_claims().values()
        ],
    }
