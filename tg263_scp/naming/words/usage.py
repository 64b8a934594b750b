"""How people who speak a language write, beside its words for organs: articles, side words that mislead, letters of its own."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, fields


@dataclass(frozen=True, slots=True)
class Usage:
    """Folded words of one language, or of all packs together; each field is a key of a pack of the same name."""

    little_words: frozenset[str] = frozenset()
    """Articles and prepositions that may stand or be lacking between two words; at an end they may be initials or a part."""
    side_nouns: frozenset[str] = frozenset()
    """*Side* itself, which may stand beside left and right anywhere."""
    telling_sides: frozenset[str] = frozenset()
    """Short side words that are met in many clinics beside English and Latin organ names."""
    counting_sides: frozenset[str] = frozenset()
    """Letters that are a side here and may count or be initials elsewhere: ``Parotis B``."""
    initial_sides: frozenset[str] = frozenset()
    """Longer side words that are something else in English (sagittal) or anybody's initials."""
    leading_sides: frozenset[str] = frozenset()
    """Those that are believed before the noun all the same: ``Sol parotis`` is Turkish, ``Parotis SOL`` somebody's."""
    never_glued: frozenset[str] = frozenset()
    """Last words of a phrase that mean nothing glued to it: ``pcms`` are several muscles, ``pcm s`` the superior one."""
    silent_words: frozenset[str] = frozenset()
    """Words in the meanings of the list that tell nothing about a structure."""
    planning_beginnings: frozenset[str] = frozenset()
    """Words of planning that planners glue before others: ``ringln``. No language model is asked about such a word."""
    planning_endings: frozenset[str] = frozenset()
    """Words of planning that planners glue behind others: ``bsopt``."""
    vague_helpers: frozenset[str] = frozenset()
    """Words of planning and of devices that mean something else beside a structure: ``region``, ``point``, ``frame``."""
    qualifiers: frozenset[str] = frozenset()
    """Words that say which part of a structure is meant, whatever it is: ``upper``, ``anterior``, ``outer``."""
    helper_prefixes: frozenset[str] = frozenset()
    """Letters that planners put before the name of a helper, so that it stands at an end of the list: ``xRectum``."""
    placeholders: frozenset[str] = frozenset()
    """Words that name nothing: a name of these and numbers alone (``NewStructure2``, ``temp``) is no structure's."""
    drawn_by: frozenset[str] = frozenset()
    """Words for who or what drew a structure (``AI``, ``auto``), which all names of a set may share."""
    never_shared: frozenset[str] = frozenset()
    """Words for a phase, a time or a state, which say something also where all names of a set share them."""
    gathering_words: frozenset[str] = frozenset()
    """Idle words that mean both organs of a pair: ``Kidney total``."""
    merging_words: frozenset[str] = frozenset()
    """Those of them that say of an organ without a pair that other volumes are drawn into it: ``Larynx combined``."""
    filling_words: frozenset[str] = frozenset()
    """Idle words that say of a hollow organ how it was filled on the day: ``Bladder full`` is one of two bladders."""
    grown_words: frozenset[str] = frozenset()
    """Words of expansion that make a PRV without a number too: ``Cord expanded``; *exp* may be the expiration."""
    contents: frozenset[str] = frozenset()
    """What an organ holds and a remark includes or excludes: ``Rectum (including gas)`` is the rectum."""
    other_words: frozenset[str] = frozenset()
    """Words of everyday language that are spelt nearly as a word for an organ and mean something else: ``ribbon``."""
    inflections: frozenset[str] = frozenset()
    """Endings by which a word of another language differs from one that is known: ``thyroide``, ``thymusu``."""


USAGE_KEYS = tuple(field.name for field in fields(Usage))
SIDE_KEYS = ("telling_sides", "counting_sides", "initial_sides", "leading_sides")
"""Keys whose words are side words of the pack."""


def united(usages: Iterable[Usage]) -> Usage:
    """Return what any of the languages says."""
    usages = tuple(usages)
    return Usage(
        **{key: frozenset[str]().union(*(getattr(usage, key) for usage in usages)) for key in USAGE_KEYS}
    )
