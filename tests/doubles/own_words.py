"""A language of our own invention, so that a test shows every word that it depends on."""

from __future__ import annotations

from tg263_scp import yamlsource
from tg263_scp.errors import NomenclatureError
from tg263_scp.naming.words.lexicon import Lexicon, Pack, build_lexicon
from tg263_scp.naming.words.packs import read_pack

STRUCTURES = frozenset({"Heart", "Liver", "Lung", "Lung_L", "Femur_Head"})
"""What a phrase of such a language may mean."""
SITES = frozenset({"brain", "prostate", "pelvis", "thorax"})


def own_pack(sections: str, language: str = "en") -> Pack:
    """Read the sections of a pack as if they stood in a file of this language."""
    document = yamlsource.parse(
        f"language: {language}\n{sections}", f"{language}.yaml", error=NomenclatureError
    )
    return read_pack(document, f"{language}.yaml", STRUCTURES, SITES)


def own_lexicon(*packs: Pack) -> Lexicon:
    """Index packs without any word of the list itself."""
    return build_lexicon(packs, {})
