"""The console in a real browser: alerts arrive by themselves, keys work, phones read it, nothing leaves loopback."""

import re
import shutil
from collections.abc import Iterator
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser, Page, expect, sync_playwright

from pipeline.engines.embedded import Embedded
from pipeline.web.server import Serving
from tests.web.conftest import EMBASSY, TRUCE

CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
SWITCHES = (
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync",
)  # fmt: skip

pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(CHROMIUM is None, reason="no Chromium here: install Debian's package `chromium`"),
]


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        made = playwright.chromium.launch(executable_path=CHROMIUM, args=SWITCHES)
        yield made
        made.close()


@pytest.fixture
def page(browser: Browser, console: Serving) -> Iterator[Page]:  # noqa: ARG001 - closed before the console stops
    """A page that fails its test when it logs an error or asks anything of another machine."""
    made = browser.new_page()
    trouble: list[str] = []
    made.on("pageerror", lambda error: trouble.append(str(error)))
    made.on("console", lambda message: trouble.append(message.text) if message.type == "error" else None)
    made.on("request", lambda r: trouble.append(r.url) if urlsplit(r.url).hostname not in ("127.0.0.1", None) else None)
    yield made
    made.close()
    assert trouble == []


def test_an_alert_appears_by_itself(page: Page, console: Serving, engine: Embedded) -> None:
    page.goto(console.url)
    expect(page.locator(".alert h2")).to_have_count(engine.counts().open_alerts)
    engine.append([TRUCE])
    while engine.process():
        pass
    expect(page.locator(".alert.new h2").first).to_contain_text("easefire")
    expect(page.locator("#live")).to_contain_text("raised")


def test_what_came_before_the_stream_opened_is_shown_too(page: Page, console: Serving, engine: Embedded) -> None:
    shown = page.request.get(console.url).text()
    engine.append([TRUCE])
    while engine.process():
        pass
    page.route(f"{console.url}/", lambda route: route.fulfill(body=shown, content_type="text/html"), times=1)
    page.goto(console.url)
    expect(page.locator(".alert h2").first).to_contain_text("easefire")


def test_a_row_that_did_not_change_keeps_the_focus(page: Page, console: Serving, engine: Embedded) -> None:
    page.goto(console.url)
    expect(page.locator("#live")).to_have_attribute("data-state", "live")
    page.keyboard.press("j")
    before = page.evaluate("document.activeElement.href")
    engine.append([TRUCE])
    while engine.process():
        pass
    expect(page.locator(".alert.new h2").first).to_contain_text("easefire")
    assert page.evaluate("document.activeElement.href") == before
    expect(page.locator(".alert.at")).to_have_count(1)


def test_keys_search_walk_open_and_help(page: Page, console: Serving) -> None:
    page.goto(console.url)
    page.keyboard.press("/")
    expect(page.locator("#q")).to_be_focused()
    page.keyboard.press("Escape")
    page.keyboard.press("j")
    expect(page.locator(".alerts > .alert").first).to_have_class(re.compile(r"\bat\b"))
    page.keyboard.press("Enter")
    page.wait_for_url("**/alerts/*")
    page.keyboard.press("?")
    expect(page.locator("#keys")).to_be_visible()
    page.keyboard.press("Escape")
    page.keyboard.press("g")
    page.keyboard.press("s")
    page.wait_for_url("**/search")


def test_search_shows_facets_marks_and_a_histogram(page: Page, console: Serving) -> None:
    page.goto(f"{console.url}/search?q=embassy")
    expect(page.locator(".hits mark.hit").first).to_have_text("embassy")
    expect(page.locator(".facets")).to_contain_text("AZE")
    expect(page.locator(".histogram rect").first).to_be_attached()
    page.locator(".facets a", has_text="AZE").click()
    expect(page.locator("#q")).to_have_value("embassy and states: AZE")
    page.locator(".facets a[aria-current]", has_text="AZE").click()
    expect(page.locator("#q")).to_have_value("embassy")


def test_an_alert_is_acknowledged_with_a_button(page: Page, console: Serving, engine: Embedded) -> None:
    page.goto(console.url)
    page.locator(".alert .open").first.click()
    page.get_by_role("button", name="Acknowledge").click()
    expect(page.locator(".act")).to_contain_text("Sent: acknowledge")
    while engine.process():
        pass
    expect(page.locator(".tag .seen").first).to_have_text("acknowledged")  # without a reload


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("path", ["/", "/search?q=embassy", f"/articles/{EMBASSY.id}", "/sources", "/dead-letters"])
def test_a_phone_needs_no_sideways_scrolling(browser: Browser, console: Serving, path: str, scheme: str) -> None:
    phone = browser.new_page(
        viewport={"width": 360, "height": 740}, color_scheme="dark" if scheme == "dark" else "light"
    )
    phone.goto(console.url + path)
    width = phone.evaluate("document.documentElement.scrollWidth")
    phone.close()
    assert width <= 360


@pytest.mark.parametrize("width", [360, 1280])
def test_an_alert_and_its_story_fit(page: Page, console: Serving, width: int) -> None:
    page.set_viewport_size({"width": width, "height": 740})
    page.goto(console.url)
    page.locator(".alert .open").first.click()
    page.wait_for_url("**/alerts/*")
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    page.get_by_role("link", name="the whole story").click()
    page.wait_for_url("**/stories/*")
    assert page.evaluate("document.documentElement.scrollWidth") <= width


def test_without_scripts_everything_can_be_read(browser: Browser, console: Serving) -> None:
    plain = browser.new_context(java_script_enabled=False).new_page()
    plain.goto(console.url)
    plain.locator(".alert .open").first.click()
    expect(plain.locator("h1")).to_contain_text("embassy")
    plain.close()
