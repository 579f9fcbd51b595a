"""A real Chromium that shows the live page, for the tests of this folder.

Debian's chromium, chromium-driver and python3-selenium. All on loopback.
"""

import base64
import contextlib
import os
import re
import socket
import subprocess
import sys
import time
import urllib.request

from selenium import webdriver
from selenium.webdriver.chrome.options import Options
from selenium.webdriver.chrome.service import Service

DEADLINE = 15.0


def eventually(what, probe, seconds=DEADLINE):
    """Returns the probe's result as soon as it is truthy."""
    end = time.monotonic() + seconds
    while True:
        found = probe()
        if found:
            return found
        if time.monotonic() > end:
            raise AssertionError(f"{what}: not within {seconds:.0f} s")
        time.sleep(0.05)


def free_port():
    with socket.socket() as place:
        place.bind(("127.0.0.1", 0))
        return place.getsockname()[1]


@contextlib.contextmanager
def process(command, log, variables=None):
    with open(log, "wb") as out:
        running = subprocess.Popen(command, stdout=out, stderr=out, env={**os.environ, **(variables or {})})
    try:
        yield running
    finally:
        running.terminate()
        try:
            running.wait(10)
        except subprocess.TimeoutExpired:
            running.kill()
            running.wait()


def read(url):
    with urllib.request.urlopen(url, timeout=5) as answer:
        return answer.read().decode()


def answers(url):
    try:
        return read(url)
    except OSError:
        return None


class Page:
    """The page, with queries for the tests."""

    def __init__(self, driver, url, shots):
        self.driver, self.url, self.shots = driver, url, shots

    def open(self, width, height, theme):
        cdp = self.driver.execute_cdp_cmd
        cdp("Emulation.setDeviceMetricsOverride", {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": width < 500})
        cdp("Emulation.setEmulatedMedia", {"features": [{"name": "prefers-color-scheme", "value": theme}]})
        began = time.monotonic()
        self.driver.get(self.url)
        self.eventually("charts with values", "return [...document.querySelectorAll('.card .value')].filter((v) => v.textContent !== '–').length > 3")
        return time.monotonic() - began

    def script(self, text, *values):
        return self.driver.execute_script(text, *values)

    def eventually(self, what, text, *values):
        return eventually(what, lambda: self.script(text, *values))

    def shot(self, name):
        if self.shots:
            os.makedirs(self.shots, exist_ok=True)
            picture = self.driver.execute_cdp_cmd("Page.captureScreenshot", {"format": "png"})
            with open(os.path.join(self.shots, f"{name}.png"), "wb") as out:
                out.write(base64.b64decode(picture["data"]))

    def value(self, metric, line):
        """The number beside a line in the legend."""
        text = self.script(
            """const card = [...document.querySelectorAll('.card')].find((card) => card.querySelector('h3').textContent === arguments[0]);
            const entry = card && [...card.querySelectorAll('.entry')].find((entry) => entry.querySelector('.line-name').textContent === arguments[1]);
            return entry ? entry.querySelector('.value').textContent : '';""", metric, line)
        found = re.match(r"-?[\d.]+", text)
        return float(found[0]) if found else None

    def press(self, selector, text):
        self.eventually(f"a button {text}", f"return [...document.querySelectorAll({selector!r})].some((b) => b.textContent.startsWith({text!r}))")
        self.script(f"[...document.querySelectorAll({selector!r})].find((b) => b.textContent.startsWith({text!r})).click()")

    def fits(self):
        """Nothing is wider than the window."""
        assert self.script("return document.documentElement.scrollWidth <= innerWidth"), "the page is wider than the window"

    def complaints(self):
        return [entry["message"] for entry in self.driver.get_log("browser") if entry["level"] in ("SEVERE", "WARNING")]


def browser():
    options = Options()
    options.page_load_strategy = "eager"
    for argument in ("--headless=new", "--hide-scrollbars", "--disable-dev-shm-usage"):
        options.add_argument(argument)
    if os.geteuid() == 0:
        # Chromium does not run as root in its sandbox.
        options.add_argument("--no-sandbox")
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    driver = webdriver.Chrome(service=Service("/usr/bin/chromedriver"), options=options)
    driver.set_page_load_timeout(DEADLINE)
    return driver


@contextlib.contextmanager
def opened(url, shots, log):
    """A page in a browser. If its test fails, a picture is taken, and what the page and promemu said is printed."""
    driver = browser()
    try:
        page = Page(driver, f"{url}/", shots)
        try:
            yield page
        except Exception:
            page.shot("failed")
            print("\n".join(page.complaints()), file=sys.stderr)
            with open(log, encoding="utf-8") as lines:
                print(lines.read()[-2000:], file=sys.stderr)
            raise
    finally:
        driver.quit()
