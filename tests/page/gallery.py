#!/usr/bin/python3
"""The live page of a promemu that waits for runs: gallery.py PROMEMU [FOLDER FOR SCREENSHOTS]

A config is found, drawn, run with an argument, edited beside its run, and the edited text runs, too. All on loopback.
"""

import contextlib
import os
import sys
import tempfile

from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys

from driver import answers, eventually, free_port, opened, process

CARD = "document.querySelector('.gallery-card[aria-label=\"incident\"]')"


def config_is_found_and_drawn(page):
    page.driver.get(page.url)
    page.eventually("the gallery", f"return {CARD}")
    page.driver.find_element(By.CSS_SELECTOR, "#gallery input[type=search]").send_keys("truth")
    page.eventually("what the search finds", "return [...document.querySelectorAll('.gallery-card')].some((card) => card.hidden)")
    page.script(f"{CARD}.scrollIntoView()")
    page.eventually("its chart", f"return {CARD}.querySelector('canvas')")
    page.eventually("its size and faults", f"return /5 hosts, 73 series · faults errors/.test({CARD}.textContent)")
    page.fits()
    page.shot("gallery-1440")


def argument_counts(page):
    page.script(f"{CARD}.querySelector('summary').click()")
    field = page.script(f"return [...{CARD}.querySelectorAll('label')].find((label) => label.textContent.startsWith('apis count')).querySelector('input')")
    field.clear()
    field.send_keys("2")
    page.script(f"{CARD}.querySelector('.primary').click()")
    page.eventually("the run", "return document.querySelector('.config')?.textContent === 'incident'")
    page.eventually("its hosts", "return document.getElementById('hosts-summary').textContent === '4 running'")
    page.eventually("its charts", "return [...document.querySelectorAll('.card .value')].filter((v) => v.textContent !== '–').length > 3")
    assert page.script("return document.getElementById('gallery').hidden"), "the gallery stays"


def edited_text_is_drawn_and_runs(page):
    page.driver.find_element(By.ID, "open-config").click()
    page.eventually("its charts, each beside that of the run", "return document.querySelectorAll('.preview-pair .preview canvas').length >= 8")
    area = page.driver.find_element(By.CSS_SELECTOR, ".code-area")
    page.script("arguments[0].value = arguments[0].value.replace('name: \"db-1\"', 'name: \"db-2\"'); arguments[0].dispatchEvent(new Event('input'))", area)
    page.eventually("the verdict", "return document.querySelector('.verdict').textContent.startsWith('✓ valid')")
    page.shot("editor-1440")
    area.send_keys(Keys.ESCAPE)
    page.eventually("the question", "return !document.querySelector('.discard').hidden")
    page.press(".discard button", "Keep editing")
    assert page.script("return document.querySelector('dialog[open]') !== null"), "Esc discarded"
    page.press("dialog[open] .dialog-end button", "Run it")
    page.eventually("a second run to choose from", "return document.getElementById('runs')?.options.length === 2")
    page.eventually("the edited host", "return document.getElementById('hosts').textContent.includes('db-2')")
    page.driver.find_element(By.ID, "open-config").click()
    page.eventually("the editor", "return document.querySelector('.code-area')").send_keys(Keys.ESCAPE)
    page.eventually("no dialog where nothing was edited", "return document.querySelector('dialog') === null")


def main():
    program = os.path.abspath(sys.argv[1])
    shots = sys.argv[2] if len(sys.argv) > 2 else None
    with contextlib.ExitStack() as stack:
        folder = stack.enter_context(tempfile.TemporaryDirectory())
        log = os.path.join(folder, "promemu.log")
        url = f"http://127.0.0.1:{free_port()}"
        stack.enter_context(process([program, "--listen", url[7:], "--output", f"scrape=127.0.0.1:{free_port()}"], log))
        eventually("promemu", lambda: answers(f"{url}/ready"))
        with opened(url, shots, log) as page:
            page.driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", {"width": 1440, "height": 900, "deviceScaleFactor": 1, "mobile": False})
            config_is_found_and_drawn(page)
            argument_counts(page)
            edited_text_is_drawn_and_runs(page)
            complaints = page.complaints()
            assert not complaints, "\n".join(complaints)
    print("the gallery works")


if __name__ == "__main__":
    main()
