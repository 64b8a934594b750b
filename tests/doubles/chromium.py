"""A real browser without a screen: Debian's Chromium, driven by Playwright, which downloads none of its own."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, Request, sync_playwright

ARGUMENTS = (
    *("--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"),
    *("--disable-background-networking", "--disable-component-update", "--disable-sync"),
)
THEMES = ("light", "dark")
SIZES = {"screen": {"width": 1360, "height": 860}, "phone": {"width": 390, "height": 844}}


def chromium_path() -> str:
    """Return where Chromium is. Without it the test is skipped, or fails where TG263_REQUIRE_PEERS names it."""
    path = shutil.which("chromium")
    if path is None:
        reason = "PEER MISSING: chromium is not installed (Debian package chromium)"
        required = os.environ.get("TG263_REQUIRE_PEERS", "").split(",")
        if "1" in required or "chromium" in required:
            pytest.fail(reason, pytrace=False)
        pytest.skip(reason)
    return path


@contextmanager
def chromium() -> Iterator[Browser]:
    """Run a browser while the block runs."""
    path = chromium_path()
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=list(ARGUMENTS))
        try:
            yield browser
        finally:
            browser.close()


@contextmanager
def visit(browser: Browser, **settings: Any) -> Iterator[tuple[Page, list[str]]]:
    """Open a page of a visitor of its own; yields it and what went wrong in it: errors of scripts, dialogs, refused loads."""
    context = browser.new_context(**settings)
    page = context.new_page()
    wrong: list[str] = []
    page.on("console", lambda message: wrong.append(message.text) if message.type == "error" else None)
    page.on("pageerror", lambda error: wrong.append(str(error)))
    page.on("dialog", lambda dialog: (wrong.append(f"dialog: {dialog.message}"), dialog.dismiss()))
    page.on("requestfailed", lambda request: wrong.extend(_refused(request)))
    try:
        yield page, wrong
    finally:
        context.close()


def _refused(request: Request) -> Iterator[str]:
    """Yield what was not loaded; what a next page cut off does not count."""
    if "ABORTED" not in str(request.failure):
        yield f"not loaded: {request.url}"


def enter(page: Page, link: str, user: str = "Anna Berg") -> None:
    """Log in by the link, as a person does."""
    page.goto(link)
    page.get_by_label("Who are you?").fill(user)
    page.get_by_role("button", name="Come in").click()
    page.wait_for_url("**/names")


def pictures_folder(otherwise: Path) -> Path:
    """Return where pictures go, to be looked at: LOG_DIR of the run, else a folder of the test."""
    folder = Path(os.environ["LOG_DIR"]) / "desk" if os.environ.get("LOG_DIR") else otherwise
    folder.mkdir(parents=True, exist_ok=True)
    return folder
