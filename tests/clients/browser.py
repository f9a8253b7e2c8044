"""A person at a link page in Chromium, by phone or at a desk."""

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from selenium import webdriver
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.remote.webelement import WebElement
from selenium.webdriver.support.wait import WebDriverWait

PHONE = (360, 740)
DESK = (1280, 900)
_QUIET = (
    "--headless=new",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--disable-dev-shm-usage",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-proxy-server",
    "--hide-scrollbars",
)

needs_chromium = pytest.mark.skipif(
    (shutil.which("chromium") is None or shutil.which("chromedriver") is None)
    and "CI" not in os.environ,
    reason="Chromium is not installed: apt-get install chromium chromium-driver",
)


@dataclass(frozen=True)
class Browser:
    """driver: one Chromium for a whole module; axe: the source of axe-core."""

    driver: webdriver.Chrome
    axe: str

    def size(self, size: tuple[int, int], *, dark: bool = False) -> None:
        """Look through a window of this many CSS pixels."""
        width, height = size
        self.driver.execute_cdp_cmd(
            "Emulation.setDeviceMetricsOverride",
            {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": width < 600},
        )
        self.driver.execute_cdp_cmd(
            "Emulation.setEmulatedMedia",
            {"features": [{"name": "prefers-color-scheme", "value": "dark" if dark else "light"}]},
        )

    def open(self, url: str, *, part: str) -> None:
        """Open a page afresh and wait for one of its parts."""
        self.driver.get("about:blank")
        self.driver.get(url)
        self.shows(part)

    def shows(self, part: str) -> None:
        """Wait until exactly this part of the page is shown."""

        def shown(_: object) -> bool:
            return self.parts() == [part]

        WebDriverWait(self.driver, 20, 0.05).until(
            shown, f"shows {self.parts()}, not {part}: {self.status()}"
        )

    def waits(self, selector: str) -> WebElement:
        """Wait until this is there and visible."""
        WebDriverWait(self.driver, 20, 0.05).until(
            lambda _: self.all(selector), f"no {selector} on the page: {self.status()}"
        )
        return self.all(selector)[0]

    def parts(self) -> list[str]:
        """The visible parts of the page."""
        found: list[str] = self.run(
            "return [...document.querySelectorAll('[data-part]')]"
            ".filter(part => !part.hidden).map(part => part.id)"
        )
        return found

    def run(self, script: str, *arguments: object) -> Any:
        """What JavaScript says about the page."""
        return self.driver.execute_script(script, *arguments)

    def find(self, selector: str) -> WebElement:
        return self.driver.find_element(By.CSS_SELECTOR, selector)

    def all(self, selector: str) -> list[WebElement]:
        """What is visible of these."""
        found = self.driver.find_elements(By.CSS_SELECTOR, selector)
        return [one for one in found if one.is_displayed()]

    def press(self, selector: str) -> None:
        """Press a button by keyboard, as who has no mouse does."""
        button = self.find(selector)
        self.run("arguments[0].focus()", button)
        button.send_keys(Keys.ENTER)

    def choose(self, name: str, value: str) -> None:
        """Choose one of the radio buttons of a field by keyboard."""
        radio = self.find(f'input[name="{name}"][value="{value}"]')
        self.run("arguments[0].focus()", radio)
        radio.send_keys(Keys.SPACE)

    def type(self, selector: str, text: str) -> None:
        self.find(selector).send_keys(text)

    def status(self) -> str:
        """What a screen reader was told last."""
        found: str = self.run("return document.getElementById('status')?.textContent ?? ''")
        return found

    def focused(self) -> str | None:
        """The id of the element that has the focus."""
        found: str | None = self.run("return document.activeElement?.id")
        return found

    def logged(self) -> list[str]:
        """What went wrong in the page, such as what its policy refused, since the last look."""
        return [entry["message"] for entry in self.driver.get_log("browser")]

    def overflow(self) -> int:
        """How many pixels the page is wider than its window."""
        found: int = self.run(
            "return document.documentElement.scrollWidth - document.documentElement.clientWidth"
        )
        return found

    def violations(self) -> list[str]:
        """What axe-core finds wrong with the page as it is now, one line per rule."""
        if not self.run("return 'axe' in window"):
            self.run(self.axe)
        found = self.driver.execute_async_script(
            "const done = arguments[0];"
            "axe.run(document, {resultTypes: ['violations']})"
            ".then(found => done(found.violations), error => done([{id: String(error)}]))"
        )
        return [
            f"{one['id']}: {[node['target'] for node in one.get('nodes', [])]}" for one in found
        ]

    def picture(self, name: str) -> None:
        """Keep a picture of the whole page where SCREENSHOTS says, if it does."""
        folder = os.environ.get("SCREENSHOTS")
        if folder:
            height = self.run("return document.documentElement.scrollHeight")
            width = self.run("return document.documentElement.clientWidth")
            self.size((width, height), dark="dark" in name)
            self.driver.save_screenshot(str(Path(folder) / f"{name}.png"))


@contextmanager
def chromium(axe: str) -> Iterator[Browser]:
    """A headless Chromium with a profile of its own, which knows nobody and asks nobody."""
    with TemporaryDirectory(prefix="salesdash-chromium-") as profile:
        options = webdriver.ChromeOptions()
        options.binary_location = shutil.which("chromium") or "chromium"
        for flag in (*_QUIET, f"--user-data-dir={profile}"):
            options.add_argument(flag)
        options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
        service = webdriver.ChromeService(
            executable_path=shutil.which("chromedriver") or "chromedriver"
        )
        driver = webdriver.Chrome(options=options, service=service)
        try:
            driver.set_script_timeout(60)
            yield Browser(driver, axe)
        finally:
            driver.quit()
