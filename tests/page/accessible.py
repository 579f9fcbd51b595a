#!/usr/bin/python3
"""The live page as axe-core judges it: accessible.py PROMEMU AXE.MIN.JS

A run, the gallery without one, the editor of a config and a host, in both themes, on a desk and on a phone. Nothing serious or critical is
found.
"""

import contextlib
import os
import sys
import tempfile

from driver import answers, eventually, free_port, opened, process

FOUND = """const done = arguments[0];
axe.run(document, { resultTypes: ['violations'] }).then((found) => done(found.violations
    .filter(({ impact }) => impact === 'serious' || impact === 'critical')
    .map(({ id, impact, nodes }) => `${impact} ${id}: ${nodes.slice(0, 3).map(({ html }) => html.slice(0, 120)).join(' ')}`)));"""


def judged(page, axe, where):
    page.script(axe)
    found = page.driver.execute_async_script(FOUND)
    assert not found, f"{where}: " + "\n".join(found)


def look(page, url, width, theme):
    page.driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", {"width": width, "height": 900, "deviceScaleFactor": 1, "mobile": width < 500})
    page.driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": [{"name": "prefers-color-scheme", "value": theme}]})
    page.driver.get("about:blank")
    page.driver.get(url)


def main():
    program, axe = os.path.abspath(sys.argv[1]), open(sys.argv[2], encoding="utf-8").read()
    run, idle = f"http://127.0.0.1:{free_port()}", f"http://127.0.0.1:{free_port()}"
    with contextlib.ExitStack() as stack:
        folder = stack.enter_context(tempfile.TemporaryDirectory())
        log = os.path.join(folder, "promemu.log")
        stack.enter_context(process([program, "run", "incident", "--listen", run[7:], "--output", f"scrape=127.0.0.1:{free_port()}"], log))
        stack.enter_context(process([program, "--listen", idle[7:]], os.path.join(folder, "idle.log")))
        for url in (run, idle):
            eventually("promemu", lambda: answers(f"{url}/health"))
        page = stack.enter_context(opened(run, None, log))
        page.driver.set_script_timeout(60)
        for theme in ("light", "dark"):
            for width in (1440, 360):
                where = f"{theme}, {width}"
                look(page, idle, width, theme)
                page.eventually("a gallery", "return document.querySelectorAll('.gallery-card').length > 10")
                judged(page, axe, f"the gallery, {where}")
                look(page, run, width, theme)
                page.eventually("charts with values", "return [...document.querySelectorAll('.card .value')].some((v) => v.textContent !== '–')")
                judged(page, axe, f"the run, {where}")
                page.script("document.getElementById('open-config').click()")
                page.eventually("the verdict", "return (document.querySelector('.verdict')?.textContent ?? '').startsWith('✓ valid')")
                judged(page, axe, f"the editor, {where}")
                page.script("document.querySelector('dialog').close(); document.querySelector('.hosts button.link').click()")
                page.eventually("the host's metrics", "return document.querySelectorAll('.metric').length > 0")
                judged(page, axe, f"a host, {where}")
    print("the page is accessible")


if __name__ == "__main__":
    main()
