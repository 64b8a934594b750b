"""Treatment sites: their names, the broader site of each, and what clinics call them."""

from __future__ import annotations

from tg263_scp.naming.words.letters import fold

BROADER_SITE = {
    "brain": "head_and_neck",
    "breast": "thorax",
    "prostate": "pelvis",
    "gyn": "pelvis",
    "spine": "body",
}


SITES = frozenset(
    {
        "head_and_neck",
        "brain",
        "thorax",
        "breast",
        "abdomen",
        "pelvis",
        "prostate",
        "gyn",
        "spine",
        "limbs",
        "body",
    }
)


_SITE_ALIASES = {
    "headneck": "head_and_neck", "headandneck": "head_and_neck", "hn": "head_and_neck", "hnc": "head_and_neck",
    "neck": "head_and_neck", "head": "head_and_neck", "orl": "head_and_neck", "cns": "brain", "cranium": "brain",
    "lung": "thorax", "chest": "thorax", "mediastinum": "thorax", "esophagus": "thorax", "liver": "abdomen",
    "pancreas": "abdomen", "gynecology": "gyn", "gynaecology": "gyn", "cervix": "gyn", "rectum": "pelvis",
    "anus": "pelvis", "bladder": "pelvis", "extremity": "limbs", "limb": "limbs", "extremities": "limbs",
}  # fmt: skip


def known_site(text: str) -> str:
    """Return the site that ``text`` (a column of a table, a Body Part Examined) stands for, or ``""``."""
    plain = "".join(c for c in fold(text) if c.isalnum())
    for site in SITES:
        if site.replace("_", "") == plain:
            return site
    return _SITE_ALIASES.get(plain, "")
