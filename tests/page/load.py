#!/usr/bin/python3
"""The live page of a load on real memcached servers, in a real Chromium: load.py PROMEMU [FOLDER FOR SCREENSHOTS]

It needs memcached on the PATH, and the plugin memcached beside the program.
"""

import contextlib
import os
import shutil
import sys
import tempfile

from driver import answers, eventually, free_port, opened, process

# The charts that the page opens with, each with its lines.
CHARTS = """return Object.fromEntries([...document.querySelectorAll('.card')].map((card) => [card.querySelector('h3').textContent,
    [...card.querySelectorAll('.line-name')].map((name) => name.textContent)]));"""
# Texts of the values in a chart's legend.
VALUES = """return [...[...document.querySelectorAll('.card')].find((card) => card.querySelector('h3').textContent === arguments[0])
    .querySelectorAll('.value')].map((value) => value.textContent);"""


def first_charts_are_the_signals_of_a_client(page):
    page.open(1440, 900, "light")
    charts = page.script(CHARTS)
    expected = {
        "memcache_operations_total": ["success", "failed"],
        "memcache_error_rate": None,
        "memcache_response_seconds": ["p50", "p90", "p99"],
        "memcache_circuit_breaker_state": ["memcache1", "memcache2"],
        "memcache_pool_connections": ["memcache1 total", "memcache1 active", "memcache1 idle", "memcache2 total", "memcache2 active", "memcache2 idle"],
    }
    for metric, lines in expected.items():
        assert metric in charts and (lines is None or charts[metric] == lines), f"{metric}: {charts}"


def latencies_are_percentiles(page):
    def percentiles():
        values = page.script(VALUES, "memcache_response_seconds")
        return values if len(values) == 3 and all(value.endswith("s") for value in values) else None

    values = eventually("percentiles of the latencies", percentiles)
    print(f"p50, p90 and p99 of the latencies: {', '.join(values)}")
    page.script("document.querySelector('[aria-label=\"choose the lines: memcache_response_seconds\"]').click()")
    page.eventually("the choice of percentiles", "return document.querySelector('dialog [data-line=\"p95\"]')")
    page.script("document.querySelector('dialog [data-line=\"p95\"]').click()")
    page.script("document.querySelector('dialog [data-line=\"sum\"]').click()")
    chosen = "return [...document.querySelectorAll('dialog [data-line]')].filter((box) => box.checked).map((box) => box.dataset.line)"
    assert page.script(chosen) == ["sum"], "rates of observations and percentiles have no common axis"
    page.script("document.querySelector('dialog [data-line=\"p95\"]').click()")
    page.script("document.querySelector('dialog .primary').click()")
    page.eventually("the 95th percentile", f"const lines = (() => {{ {CHARTS} }})().memcache_response_seconds; return lines.join() === 'p95'")


def breaker_opens_alone(page, server):
    eventually("closed breakers", lambda: page.script(VALUES, "memcache_circuit_breaker_state") == ["0", "0"])
    server.kill()
    eventually("the breaker of the server that is gone", lambda: page.script(VALUES, "memcache_circuit_breaker_state") == ["0", "2"])
    page.eventually("the event as a mark", "return document.getElementById('log').textContent.includes('breaker_opened')")
    page.shot("load-1440")


def main():
    program = os.path.abspath(sys.argv[1])
    shots = sys.argv[2] if len(sys.argv) > 2 else None
    with contextlib.ExitStack() as stack:
        folder = stack.enter_context(tempfile.TemporaryDirectory())
        # A test build has its plugins in the folder of dependencies.
        built = [os.path.join(os.path.dirname(program), part, "libpromemu_memcached.so") for part in ("", "deps")]
        shutil.copy(next(path for path in built if os.path.exists(path)), folder)
        ports = [free_port(), free_port()]
        servers = [stack.enter_context(process(["memcached", "-u", "root", "-l", "127.0.0.1", "-U", "0", "-p", str(port)],
                                               os.path.join(folder, f"{port}.log"))) for port in ports]
        url, log = f"http://127.0.0.1:{free_port()}", os.path.join(folder, "promemu.log")
        command = [program, "run", "memcached_load", "servers=" + ",".join(f"127.0.0.1:{port}" for port in ports), "--plugins-dir", folder,
                   "--output", f"scrape=127.0.0.1:{free_port()}", "--listen", url[7:], "--seed", "7"]
        stack.enter_context(process(command, log))
        eventually("promemu", lambda: answers(f"{url}/ready"))
        with opened(url, shots, log) as page:
            first_charts_are_the_signals_of_a_client(page)
            latencies_are_percentiles(page)
            breaker_opens_alone(page, servers[1])
            page.fits()
            complaints = page.complaints()
            assert not complaints, "\n".join(complaints)
    print("the page of a load works")


if __name__ == "__main__":
    main()
