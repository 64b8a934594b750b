"""Make the pictures of the desk that the documents show, from synthetic structure sets: nothing of a clinic is in them.

    python docs/pictures/desk.py [FOLDER]

Needs the extras ``desk`` and ``browser`` and Debian's ``chromium``. Writes open names (``desk-light.png``,
``desk-dark.png``) and one structure set (``set-light.png``, ``set-dark.png``) beside this file, or into FOLDER.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

from playwright.sync_api import Browser, sync_playwright

from tg263_scp.desk.server import RunningDesk, running_desk
from tg263_scp.dicom.synthetic.anatomy import SITES
from tg263_scp.dicom.synthetic.structure_sets import synthetic_dataset
from tg263_scp.tools.demo.demonstration import demonstrate

CHROMIUM = "/usr/bin/chromium"
ARGUMENTS = ("--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking")
SIZE = {"width": 1360, "height": 820}
SETS_OF_A_SITE = 3
LEFT_FOR_REVIEW = {
    "blase": ("blase", "Blase alt", "blase"),
    "SIGMOID": ("SIGMOID", "SIGMOID", "sigma?"),
    "optic chiasm": ("optic chiasm", "chiasm +2", "optic chiasm"),
    "LARYNX": ("LARYNX", "LARYNX", "Larynx neu"),
    "Foie": ("Foie", "Foie", "GI organ"),
}
"""How some of the names are written in the first, second and third set of a site."""


def write_sets(folder: Path) -> None:
    """Write structure sets of which some names have to be looked at."""
    folder.mkdir()
    for site in SITES:
        for number in range(SETS_OF_A_SITE):
            dataset = synthetic_dataset(site, seed=number)
            for roi in dataset.StructureSetROISequence:
                roi.ROIName = LEFT_FOR_REVIEW.get(roi.ROIName, (roi.ROIName,) * SETS_OF_A_SITE)[number]
            dataset.save_as(folder / f"{site}.{number}.dcm", enforce_file_format=True)


def take(browser: Browser, desk: RunningDesk, target: Path, theme: str) -> None:
    """Take the pictures of one theme."""
    context = browser.new_context(color_scheme=theme, viewport=SIZE, device_scale_factor=1)
    page = context.new_page()
    page.goto(desk.login_link)
    page.get_by_label("Who are you?").fill("A. Physicist")
    page.get_by_role("button", name="Come in").click()
    page.wait_for_url("**/names")
    page.keyboard.press("1")
    page.keyboard.press("k")
    page.screenshot(path=target / f"desk-{theme}.png")
    page.get_by_role("link", name="Larynx neu").first.click()
    page.get_by_role("link", name="Job").first.click()
    page.locator(".sketch").first.wait_for()
    page.screenshot(path=target / f"set-{theme}.png")
    context.close()


def main(target: Path) -> None:
    """Send the sets through a node into an archive, and show the node's desk."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        write_sets(folder / "sets")
        config = demonstrate(folder / "sets", folder).config
        with config.open("a", encoding="utf-8") as file:
            file.write("desk:\n  port: 0\n")
        with running_desk(config) as desk, sync_playwright() as playwright:
            browser = playwright.chromium.launch(executable_path=CHROMIUM, args=list(ARGUMENTS))
            for theme in ("light", "dark"):
                take(browser, desk, target, theme)
            browser.close()


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).parent)
