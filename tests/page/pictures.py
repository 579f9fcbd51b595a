#!/usr/bin/python3
"""Writes the pictures of the README, of the live page and of a plot: pictures.py PROMEMU FOLDER

Needs Chromium, its driver and Selenium, as browse.py does.
"""

import os
import subprocess
import sys
import tempfile

from driver import Page, answers, browser, eventually, free_port, process

WIDTH, HEIGHT = 1280, 800
PLOT = ["plot", "incident", "--at", "2026-01-05T08:00Z", "--for", "12m", "--seed", "7", "--metric", "^http_request"]
RUN = ["--config", "hosts_load_with_peaks", "--config-args", "hosts_count=5", "hosts_ttl=inf", "metrics_interval=1", "interval=1", "--seed", "7"]


def live_page(program, folder):
    """The live page in a load peak that a click on it has raised."""
    url = f"http://127.0.0.1:{free_port()}"
    command = [program, *RUN, "--output", f"scrape=127.0.0.1:{free_port()}", "--listen", url[7:]]
    with tempfile.TemporaryDirectory() as place, process(command, os.path.join(place, "log")):
        eventually("promemu", lambda: answers(f"{url}/ready"))
        driver = browser()
        try:
            page = Page(driver, f"{url}/", folder)
            page.open(WIDTH, HEIGHT, "light")
            page.script("document.getElementById('window').value = '60'; document.getElementById('window').dispatchEvent(new Event('change'))")
            calm = seconds_open(page)
            page.press("#fire button", "load_peak_start")
            eventually("the peak", lambda: page.value("cpu_usage_percent", "avg") > 70)
            eventually("some time of it", lambda: seconds_open(page) > calm + 14, 60)
            page.press("#fire button", "load_peak_end")
            eventually("its end", lambda: page.value("cpu_usage_percent", "avg") < 30, 60)
            page.shot("live-page")
        finally:
            driver.quit()


def seconds_open(page):
    """Seconds since the page was opened."""
    return page.script("return performance.now() / 1000")


def main():
    program, folder = (os.path.abspath(argument) for argument in sys.argv[1:3])
    os.makedirs(folder, exist_ok=True)
    subprocess.run([program, *PLOT, "--out", os.path.join(folder, "plot.png")], check=True)
    live_page(program, folder)


main()
