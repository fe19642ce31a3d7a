"""The page of `drdl serve` in a browser, as a person uses it.

Needs Debian's chromium-driver and the package selenium; skipped where they are not.
"""

import re
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from commands import PIPE, start, tool
from search_folder import make_search_folder, make_seen_gallery

webdriver = pytest.importorskip("selenium.webdriver", reason="selenium is not there")
pytest.importorskip("lancedb", reason="the extra search is not installed")
DRIVER = shutil.which("chromedriver")
pytestmark = pytest.mark.skipif(DRIVER is None, reason="no chromium-driver")

TOKEN = "0123456789abcdefTOKEN"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = make_search_folder(tmp_path_factory.mktemp("page"))
    make_seen_gallery(folder)
    return folder


@pytest.fixture(scope="module")
def address(folder: Path) -> Iterator[str]:
    words = (*tool("serve.py"), "--gallery", "g", "--port", 0)
    with start(*words, cwd=folder, stdout=PIPE, DRDL_TOKEN=TOKEN) as child:
        assert child.stdout
        match = re.fullmatch(r"open (http://\S+)\n", child.stdout.readline())
        assert match
        yield match[1]
        child.terminate()


class Browser:
    """A window, and short words for what a person does in it."""

    def __init__(self, driver: "webdriver.Chrome") -> None:
        self.driver = driver

    def one(self, selector: str):
        from selenium.webdriver.support.wait import WebDriverWait

        wait = WebDriverWait(self.driver, 60)
        return wait.until(lambda d: d.find_element("css selector", selector))

    def all(self, selector: str) -> list:
        return self.driver.find_elements("css selector", selector)

    def faults(self) -> list[str]:
        """What the console holds of scripts that fail and of what is forbidden."""
        said = [entry["message"] for entry in self.driver.get_log("browser")]
        return [text for text in said if "favicon" not in text and " 422 " not in text]


@pytest.fixture
def browser(address: str) -> Iterator[Browser]:
    options = webdriver.ChromeOptions()
    for word in ("--headless=new", "--no-sandbox", "--disable-gpu",
                 "--disable-dev-shm-usage", "--window-size=1100,900"):  # fmt: skip
        options.add_argument(word)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    driver = webdriver.Chrome(options, webdriver.ChromeService(DRIVER))
    try:
        driver.get(address)
        assert "token" not in driver.current_url
        yield Browser(driver)
    finally:
        driver.quit()


def search(browser: Browser, photo: Path) -> None:
    browser.one("#photo").send_keys(str(photo))
    browser.one("#preview")
    browser.one("#search button").click()
    browser.one("#results")


def test_from_a_photograph_to_a_verdict(browser: Browser, folder: Path) -> None:
    search(browser, folder / "photos/3_2.png")
    assert re.search(r"/found/[0-9a-f]{32}$", browser.driver.current_url)
    items = browser.all("#results li")
    assert len(items) == 24
    assert "3_2.png" in items[0].text and "vehicle 3" in items[0].text
    loaded = "return Array.from(document.images).every(i => i.loading === 'lazy' || (i.complete && i.naturalWidth > 0))"  # noqa: E501
    assert browser.driver.execute_script(loaded)
    assert browser.all("svg.timeline circle")
    # Why a row was found: a picture, in a tab of its own.
    here = browser.driver.current_window_handle
    items[3].find_element("css selector", ".why").click()
    (other,) = set(browser.driver.window_handles) - {here}
    browser.driver.switch_to.window(other)
    browser.one("img")
    assert browser.driver.execute_script("return document.images[0].naturalWidth") > 500
    browser.driver.close()
    browser.driver.switch_to.window(here)
    # Chromium's own page around a picture wants styles, which are forbidden.
    assert all("/explanation?" in fault for fault in browser.faults())
    # Feedback, by key, is there when the address is opened again.
    kept = browser.driver.current_url
    browser.driver.execute_script("arguments[0].focus()", items[0])
    items[0].send_keys("y")
    browser.one("#results li.same")
    items[0].send_keys("\ue014")  # the arrow to the right
    browser.driver.switch_to.active_element.send_keys("n")
    browser.one("#results li.other")
    browser.driver.get(kept)
    assert [item.get_attribute("class") for item in browser.all("#results li")][:3] == [
        "same", "other", "",
    ]  # fmt: skip
    # A filter, in the address; then what was found is asked with.
    browser.one("details summary").click()
    browser.one("input[name=camera][value='2']").click()
    browser.one(".filters button").click()
    browser.one("input[name=camera][value='2']:checked")
    assert "camera=2" in browser.driver.current_url
    assert all("camera 2" in item.text for item in browser.all("#results li"))
    browser.one("#results .like").click()
    browser.one(".asked figcaption")
    assert re.search(r"/like/[0-9a-f]{16}$", browser.driver.current_url)
    assert browser.faults() == []


def test_a_box_is_drawn(browser: Browser, folder: Path) -> None:
    from selenium.webdriver.common.action_chains import ActionChains

    browser.one("#photo").send_keys(str(folder / "photos/3_2.png"))
    canvas = browser.one("#canvas")
    drag = ActionChains(browser.driver).move_to_element_with_offset(canvas, -10, -9)
    drag.click_and_hold().move_by_offset(18, 15).release().perform()
    left, top, right, bottom = map(
        int, browser.one("#box").get_attribute("value").split(",")
    )
    assert (right - left, bottom - top) == (18, 15)
    browser.one("#search button").click()
    browser.one("#results")
    picture = browser.one(".asked img")
    assert picture.get_property("naturalWidth") == right - left
    assert browser.faults() == []


def test_what_is_no_photograph_is_told(browser: Browser, folder: Path) -> None:
    (folder / "words.jpg").write_text("no photograph")
    browser.one("#photo").send_keys(str(folder / "words.jpg"))
    browser.one("#search button").click()
    assert "no photograph" in browser.one("[role=alert]").text
    browser.driver.get(browser.driver.current_url.rstrip("/") + "/found/nothing")
    assert "not kept any more" in browser.one("[role=alert]").text
