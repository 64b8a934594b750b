"""Where the organs of patients who never were lie, and how untidily clinics call them: data of the synthetic sets."""

from __future__ import annotations

import math
import random
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

Site = Literal["prostate", "head_and_neck", "thorax"]
SITES: tuple[Site, ...] = ("prostate", "head_and_neck", "thorax")


@dataclass(frozen=True, slots=True)
class Solid:
    """One ROI: its untidy name, its interpreted type, and a solid around ``centre_mm``.

    ``radii_mm`` are half axes. A tube has the same section on every slice, other solids are ellipsoids. ``paired``
    repeats it on the other side of the midline.
    """

    name: str
    interpreted_type: str
    centre_mm: tuple[float, float, float]
    radii_mm: tuple[float, float, float]
    tube: bool = False
    paired: bool = False


_PELVIS = (
    Solid("BODY", "EXTERNAL", (0, 0, 20), (185, 115, 110), tube=True),
    Solid("blase", "ORGAN", (0, -30, 25), (38, 32, 30)),
    Solid("RECTUM ", "ORGAN", (0, 48, 5), (17, 18, 55), tube=True),
    Solid("Femoral Head, Lt", "ORGAN", (92, 5, 5), (24, 24, 24)),
    Solid("fem_head_RT", "ORGAN", (-92, 5, 5), (24, 24, 24)),
    Solid("penile bulb", "ORGAN", (0, 28, -52), (9, 9, 8)),
    Solid("sem ves", "", (0, 22, 18), (22, 9, 9)),
    Solid("Bowel Bag", "ORGAN", (0, -35, 95), (95, 50, 32)),
    Solid("SIGMOID", "AVOIDANCE", (12, 30, 68), (20, 16, 18)),
    Solid("Prostate", "CTV", (0, 10, -15), (23, 20, 22)),
    Solid("PTV 78", "PTV", (0, 10, -15), (30, 26, 29)),
    Solid("ptv_nodes 54", "PTV", (0, -5, 60), (70, 35, 32)),
    Solid("Rectum PRV 5 mm", "AVOIDANCE", (0, 48, 5), (22, 23, 60), tube=True),
    Solid("ring 2cm", "", (0, 10, -15), (50, 46, 49)),
    Solid("rectum opti", "AVOIDANCE", (0, 50, 5), (15, 14, 40), tube=True),
    Solid("zBladder-PTV", "", (0, -36, 32), (36, 26, 24)),
    Solid("Gold Marker 1", "MARKER", (6, 8, -12), (2, 2, 4)),
    Solid("CouchSurface", "SUPPORT", (0, 130, 20), (250, 8, 110), tube=True),
)
_HEAD_AND_NECK = (
    Solid("Skin", "EXTERNAL", (0, 0, 20), (82, 100, 130), tube=True),
    Solid("Lt Parotid", "ORGAN", (58, 18, 20), (12, 17, 24)),
    Solid("parotis re", "ORGAN", (-58, 18, 20), (12, 17, 24)),
    Solid("Spinal Cord", "ORGAN", (0, 45, -45), (6, 6, 62), tube=True),
    Solid("CORD PRV3", "AVOIDANCE", (0, 45, -45), (9, 9, 62), tube=True),
    Solid("brainstem", "ORGAN", (0, 32, 48), (14, 13, 26)),
    Solid("Mandibula", "ORGAN", (0, -45, -8), (42, 18, 16)),
    Solid("oral cavity", "ORGAN", (0, -42, 12), (28, 24, 18)),
    Solid("LARYNX", "ORGAN", (0, -18, -62), (17, 17, 20)),
    Solid("Eye_Lt", "ORGAN", (32, -62, 62), (12, 12, 12)),
    Solid("r eye", "ORGAN", (-32, -62, 62), (12, 12, 12)),
    Solid("Linse links", "ORGAN", (32, -72, 62), (4, 3, 4)),
    Solid("optic chiasm", "ORGAN", (0, -15, 66), (9, 6, 4)),
    Solid("SUBMANDIBULAR L", "ORGAN", (30, -20, -22), (11, 14, 13)),
    Solid("GTV tonsil", "GTV", (22, -8, 2), (12, 13, 15)),
    Solid("PTV_70", "PTV", (22, -8, 2), (22, 23, 25)),
    Solid("PTV 54.25 neck", "PTV", (0, 5, -25), (60, 40, 55)),
    Solid("shoulder avoid", "AVOIDANCE", (0, 40, -100), (80, 40, 14)),
    Solid("dental artefact", "", (0, -50, 2), (35, 14, 10)),
    Solid("Maske", "SUPPORT", (0, 0, 20), (86, 104, 130), tube=True),
)
_CHEST = (
    Solid("External", "EXTERNAL", (0, 0, 0), (205, 125, 160), tube=True),
    Solid("Lung Left", "ORGAN", (85, 5, 0), (58, 82, 118)),
    Solid("lung_rt", "ORGAN", (-85, 5, 0), (60, 82, 118)),
    Solid("LUNGS", "ORGAN", (-85, 5, 0), (60, 82, 118), paired=True),
    Solid("Hart", "ORGAN", (28, -30, -42), (52, 44, 44)),
    Solid("Oesophagus", "ORGAN", (4, 40, 0), (8, 8, 130), tube=True),
    Solid("spinal canal", "ORGAN", (0, 72, 0), (10, 10, 150), tube=True),
    Solid("trachea", "ORGAN", (0, 18, 75), (11, 11, 45), tube=True),
    Solid("Foie", "ORGAN", (-70, -5, -128), (82, 70, 36)),
    Solid("Plexus brachialis li", "ORGAN", (60, 30, 130), (42, 12, 14)),
    Solid("great vessels", "ORGAN", (10, 5, 35), (26, 22, 24)),
    Solid("ITV", "CTV", (-78, 0, 28), (16, 17, 18)),
    Solid("igtv 1", "GTV", (-78, 0, 28), (12, 13, 13)),
    Solid("PTV 60", "PTV", (-78, 0, 28), (21, 22, 23)),
    Solid("Lungs - GTV", "ORGAN", (85, 5, 0), (58, 82, 118), paired=True),
    Solid("heart (old)", "ORGAN", (26, -31, -40), (50, 44, 42)),
    Solid("ring_1cm", "", (-78, 0, 28), (34, 35, 36)),
    Solid("Heart", "ORGAN", (28, -30, -42), (53, 45, 44)),
    Solid("Matratze", "SUPPORT", (0, 138, 0), (250, 10, 160), tube=True),
)
SOLIDS: dict[Site, tuple[Solid, ...]] = {
    "prostate": _PELVIS,
    "head_and_neck": _HEAD_AND_NECK,
    "thorax": _CHEST,
}
ISOCENTRE_MM = {
    "prostate": (0.0, 10.0, -15.0),
    "head_and_neck": (10.0, 0.0, -10.0),
    "thorax": (-78.0, 0.0, 28.0),
}
BODY_PART = {"prostate": "PELVIS", "head_and_neck": "HEADNECK", "thorax": "CHEST"}
_ANYWHERE = {  # two organs as they are called where the character set is used, most often spinal cord and skin
    "ISO_IR 13": ("ｾｷｽﾞｲ", "ｼﾝｿﾞｳ"),
    "ISO_IR 100": ("médula espinal", "Schädel"),
    "ISO_IR 101": ("rdzeń kręgowy", "skóra"),
    "ISO_IR 109": ("medula óssea", "Böbrek sağ"),
    "ISO_IR 110": ("ryggmärg", "sköldkörtel"),
    "ISO_IR 126": ("νωτιαίος μυελός", "δέρμα"),
    "ISO_IR 127": ("الحبل الشوكي", "جلد"),
    "ISO_IR 138": ("חוט השדרה", "עור"),
    "ISO_IR 144": ("Спинной мозг", "Кожа"),
    "ISO_IR 148": ("karaciğer", "kalın bağırsak"),
    "ISO_IR 166": ("ไขสันหลัง", "ผิวหนัง"),
    "GB18030": ("脊髓", "皮肤"),
    "GBK": ("脊髓", "皮肤"),
    "\\ISO 2022 IR 87": ("脊髄", "皮膚"),
    "\\ISO 2022 IR 87\\ISO 2022 IR 159": ("脊髄", "頰骨 L"),
    "\\ISO 2022 IR 149": ("척수", "피부"),
    "ISO 2022 IR 13\\ISO 2022 IR 87": ("ｾｷｽﾞｲ", "皮膚"),
    "ISO 2022 IR 100\\ISO 2022 IR 144": ("côlon", "Кожа"),
}
CHARSETS = ("ISO_IR 192", *_ANYWHERE)
"""Values of Specific Character Set (0008,0005) in which the synthetic sets have names."""
_WESTERN: dict[Site, tuple[Solid, ...]] = {
    "prostate": (
        Solid("Harnröhre", "ORGAN", (0, 12, -25), (4, 4, 30), tube=True),
        Solid("côlon", "ORGAN", (75, -10, 85), (24, 22, 40)),
    ),
    "head_and_neck": (
        Solid("Schilddrüse", "ORGAN", (0, -12, -85), (24, 10, 18)),
        Solid("Glandula submandibularis re", "ORGAN", (-30, -20, -22), (11, 14, 13)),
    ),
    "thorax": (
        Solid("Rückenmark", "ORGAN", (0, 72, 0), (6, 6, 150), tube=True),
        Solid("estómago", "ORGAN", (55, -10, -130), (40, 34, 28)),
    ),
}


def local_solids(site: Site, charset: str) -> tuple[Solid, ...]:
    """Return two more ROIs whose names need the character set; none for one that is not listed here."""
    if charset == "ISO_IR 192":
        return _WESTERN[site]
    return tuple(
        Solid(name, "ORGAN", (0, 60, 0), (radius, radius, 60), tube=True)
        for name, radius in zip(_ANYWHERE.get(charset, ()), (6.0, 90.0), strict=False)
    )


def loops(
    solid: Solid, spacing_mm: float, points: int, chance: random.Random
) -> Iterator[list[tuple[float, float, float]]]:
    """Cut a solid into one closed loop per slice, in mm, slightly uneven as if drawn by hand.

    What lies between two slices is drawn on the nearer one.
    """
    (x, y, z), (rx, ry, rz) = solid.centre_mm, solid.radii_mm
    lobe, turn = chance.uniform(0.01, 0.05), chance.uniform(0, math.tau)
    indices = range(math.ceil((z - rz) / spacing_mm), math.floor((z + rz) / spacing_mm) + 1)
    scales = {
        index: 1.0 if solid.tube else math.sqrt(max(0.0, 1 - ((index * spacing_mm - z) / rz) ** 2))
        for index in indices
    }
    cuts = {index: scale for index, scale in scales.items() if scale >= 0.1}
    for index, scale in (cuts or {round(z / spacing_mm): 1.0}).items():
        height = index * spacing_mm
        loop = []
        for step in range(points):
            angle = math.tau * step / points
            uneven = scale * (1 + lobe * math.sin(3 * angle + turn))
            loop.append((x + rx * uneven * math.cos(angle), y + ry * uneven * math.sin(angle), height))
        yield loop
        if solid.paired:
            yield [(-x_mm, y_mm, z_mm) for x_mm, y_mm, z_mm in loop]
