#!/usr/bin/python3
"""The live page in a real Chromium, beside a real Pushgateway: browse.py PROMEMU [FOLDER FOR SCREENSHOTS]

Debian's chromium, chromium-driver and python3-selenium drive it; prometheus-pushgateway is on the PATH. All on loopback.
"""

import base64
import contextlib
import os
import re
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request

from selenium import webdriver
from selenium.webdriver.chrome.options import Options
from selenium.webdriver.chrome.service import Service
from selenium.webdriver.common.action_chains import ActionChains
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys

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


def first_look(page):
    seconds = page.open(1440, 900, "light")
    print(f"page with values after {seconds:.2f} s")
    text = page.script("return document.body.innerText")
    for expected in ("hosts_load_with_peaks", "hosts_load_peaks_", "running", "seed", "pushgateway", "cpu_usage_percent", "worker-01", "load_peak_start"):
        assert expected in text, f"{expected} is not on the page"
    page.fits()


def charts_move(page):
    picture = "return document.querySelectorAll('.card canvas')[1].toDataURL()"
    before = page.script(picture)
    eventually("a chart that moves", lambda: page.script(picture) != before)


def event_raises_cpu(page):
    eventually("the workers' CPU", lambda: page.value("cpu_usage_percent", "avg") is not None)
    idle = page.value("cpu_usage_percent", "avg")
    assert idle < 40, f"the workers are busy already: {idle}"
    page.press("#fire button", "load_peak_start")
    eventually("the workers' CPU above 60 %", lambda: page.value("cpu_usage_percent", "avg") > 60)
    page.eventually("the event in the log", "return document.getElementById('log').textContent.includes('load_peak_start')")
    print(f"load_peak_start raised the CPU from {idle} % to {page.value('cpu_usage_percent', 'avg')} %")


def override_reaches_gateway(page, gateway, push_interval):
    page.press(".hosts button.link", "worker-02")
    page.eventually("the host's metrics", "return document.querySelectorAll('.metric').length > 5")
    page.driver.find_element(By.CSS_SELECTOR, "[aria-label='override the value: cpu_usage_percent']").click()
    field = page.driver.find_element(By.CSS_SELECTOR, ".override input[type=number]")
    field.clear()
    began = time.monotonic()
    field.send_keys("42.25\n")
    page.eventually("the override on the page", "return document.getElementById('open-overrides').textContent === '1 override'")
    # Its labels are in the order of their names.
    line = re.compile(r'^cpu_usage_percent\{.*name="worker-02".*\} 42\.25$', re.MULTILINE)
    eventually("the override on the Pushgateway", lambda: line.search(read(f"{gateway}/metrics")), push_interval * 2 + 3)
    print(f"the override was on the Pushgateway after {time.monotonic() - began:.1f} s, pushes are every {push_interval} s")
    page.eventually("the bytes of pushes", "return /sent[\\d. ]+KiB/.test(document.getElementById('outputs').textContent)")
    page.shot("host-1440")
    page.press(".metric button", "Release")
    page.eventually("no override", "return document.getElementById('open-overrides').hidden")
    ActionChains(page.driver).click(page.driver.find_element(By.ID, "charts-title")).send_keys(Keys.ESCAPE).perform()
    page.eventually("no host after Esc, with the focus elsewhere", "return document.getElementById('drawer').hidden")


def hosts_stop_and_start(page):
    page.driver.find_element(By.CSS_SELECTOR, "[aria-label='stop worker-03']").click()
    page.eventually("a stopped host", "return document.getElementById('hosts-summary').textContent.includes('1 stopped')")
    page.eventually("its button", "return document.querySelector(\"[aria-label='start worker-03']\")").click()
    page.eventually("no stopped host", "return !document.getElementById('hosts-summary').textContent.includes('stopped')")


def reload_keeps_view(page):
    page.script("document.querySelector('.card [aria-label^=\"remove the chart\"]').click()")
    page.script("document.getElementById('window').value = '60'; document.getElementById('window').dispatchEvent(new Event('change'))")
    search = page.driver.find_element(By.ID, "host-search")
    search.send_keys("worker-04")
    page.eventually("one host", "return document.getElementById('hosts-range').textContent === '1 to 1 of 1'")
    state = """return JSON.stringify([[...document.querySelectorAll('.card h3')].map((h) => h.textContent), document.getElementById('window').value,
        document.getElementById('host-search').value, document.getElementById('log').textContent.includes('load_peak_start')])"""
    before = page.script(state)
    assert "cpu_usage_percent" not in before, before
    page.driver.refresh()
    eventually("the same view after a reload", lambda: page.script(state) == before)
    page.eventually("one host after a reload", "return document.getElementById('hosts-range').textContent === '1 to 1 of 1'")
    page.eventually("values after a reload", "return [...document.querySelectorAll('.card .value')].some((v) => v.textContent !== '–')")


def config_is_checked(page):
    page.driver.find_element(By.ID, "open-config").click()
    page.eventually("the verdict", "return (document.querySelector('.verdict')?.textContent ?? '').startsWith('✓ valid')")
    verdict = page.script("return document.querySelector('.verdict').textContent")
    assert "6 hosts" in verdict, f"not checked with the run's arguments: {verdict}"
    area = page.script("const a = document.querySelector('.code-area'); return [a.scrollTop, a.selectionStart, a.scrollHeight > a.clientHeight]")
    assert area == [0, 0, True], f"the config is not shown from its beginning: {area}"
    page.script("const a = document.querySelector('.code-area'); a.value = a.value.replace('hosts: [', 'hots: ['); a.dispatchEvent(new Event('input'))")
    page.eventually("the error in its line", "return document.querySelector('.code-line.error .code-problem')")
    page.shot("config-1440")
    page.script("document.querySelector('dialog').close()")


def charts_zoom_together(page):
    plot = page.driver.find_elements(By.CSS_SELECTOR, ".plot .u-over")[0]
    ActionChains(page.driver).move_to_element_with_offset(plot, 40, 0).click_and_hold().move_by_offset(90, 0).release().perform()
    page.eventually("a zoom", "return !document.getElementById('reset-zoom').hidden")
    readout = "return document.getElementById('readout').textContent"
    page.eventually("the cursor's time", readout + ".startsWith('at ')")
    zoomed = page.script("return [...document.querySelectorAll('.card canvas')].map((canvas) => canvas.toDataURL().length)")
    ActionChains(page.driver).double_click(plot).perform()
    page.eventually("the whole window again", "return document.getElementById('reset-zoom').hidden")
    eventually("other charts", lambda: all(
        now != before for now, before in
        zip(page.script("return [...document.querySelectorAll('.card canvas')].map((canvas) => canvas.toDataURL().length)"), zoomed)))
    page.script("document.querySelectorAll('.plot')[0].focus()")
    place = page.driver.switch_to.active_element
    place.send_keys(Keys.ARROW_LEFT)
    first = page.script(readout)
    place.send_keys(Keys.ARROW_LEFT * 2)
    eventually("a cursor that moves by keys", lambda: page.script(readout) != first)
    said = page.script("return document.activeElement.getAttribute('aria-label')")
    assert re.search(r"chart of cpu_usage_percent at [\d:]+: avg [\d.]+ %", said), said
    place.send_keys("+")
    page.eventually("a zoom by keys", "return !document.getElementById('reset-zoom').hidden")
    place.send_keys("0")
    page.eventually("no zoom", "return document.getElementById('reset-zoom').hidden")


def keys_work(page):
    page.script("document.activeElement.blur()")
    body = page.driver.find_element(By.TAG_NAME, "body")
    body.send_keys("p")
    assert page.script("return document.getElementById('pause').getAttribute('aria-pressed')") == "true"
    body.send_keys("p")
    body.send_keys("?")
    page.eventually("the list of keys", "return document.querySelector('dialog[open] kbd')")
    page.script("document.querySelector('dialog').close()")


def runs_come_and_go(page):
    """The choice of runs gains a run that is created, and loses it when it is deleted."""
    post = """const [method, path, body, done] = arguments;
        fetch(path, { method, body, headers: { 'Content-Type': 'application/json' } }).then((answer) => done(answer.ok), () => done(false));"""
    runs = "return [...document.getElementById('runs')?.options ?? []].map((one) => one.value).join()"
    assert page.script(runs) == "", "a choice of one run"
    assert page.script("return document.getElementById('levers-panel').hidden"), "levers of a run without any"
    made = page.driver.execute_async_script(post, "POST", "api/v1/runs", '{"id": "second", "config": "incident"}')
    assert made, "no second run"
    eventually("the second run to choose", lambda: page.script(runs) == "main,second")
    address = page.script("return location.pathname + location.search + location.hash")
    page.driver.get("about:blank")
    page.driver.get(page.url + "?run=second")
    page.eventually("the run that ? names", "return document.querySelector('.config')?.textContent === 'incident'")
    page.eventually("its place behind #", "return location.search === '' && location.hash.startsWith('#run=second')")
    assert page.driver.execute_async_script(post, "PUT", "api/v1/levers/error_ratio?run=second", '{"value": 0.25}')
    page.eventually("the levers and what moves them", "return document.getElementById('levers').textContent.includes('error_ratio0.25set to 0.25 on *')")
    page.fits()
    page.shot("second-1440")
    assert page.driver.execute_async_script(post, "POST", "api/v1/runs/second/stop", None)
    eventually("the second run deleted", lambda: page.driver.execute_async_script(post, "DELETE", "api/v1/runs/second", None))
    page.eventually("the notice that it does not exist", "return document.getElementById('banner').textContent.includes('choose another one')")
    page.driver.get("about:blank")
    # The browser logs each 404 of the deleted run.
    complaints = [one for one in page.complaints() if "run=second" not in one]
    assert not complaints, "\n".join(complaints)
    page.driver.get(page.url.rsplit("/", 1)[0] + address)
    page.eventually("values of the first run", "return [...document.querySelectorAll('.card .value')].some((v) => v.textContent !== '–')")
    assert page.script(runs) == "", "a choice of one run"


def dark_and_on_a_phone(page):
    """Opens the first view again. Pages that were left must close their connections: a browser has six of them."""
    page.url = page.url.split("#")[0]
    for width, height, theme in ((390, 844, "light"), (390, 844, "dark"), (1440, 900, "dark")):
        page.driver.get("about:blank")
        page.open(width, height, theme)
        page.fits()
        page.shot(f"{theme}-{width}")


# Calculations of the page, run by its own modules.
CALCULATIONS = """const done = arguments[0];
(async () => {
    const { Live } = await import('./page/live.js');
    const { chartQuery } = await import('./page/query.js');
    const { view, readView, writeView } = await import('./page/view.js');
    const { number, duration } = await import('./page/format.js');
    const live = new Live({ changed() {}, failed() {} });
    const totals = Array.from({ length: 40 }, (_, at) => Math.floor((at < 20 ? at : at - 20) / 4) * 4 * 5);
    live.begin([{ id: 'a/hits_total', type: 'counter', metric: 'hits_total', points: totals.map((total, at) => [at, total]) }]);
    live.add({ t: 40, values: [100] });
    const address = location.href;
    const charts = [{ metric: 'm', lines: ['avg', 'a/b/m{disk="x,/y"}', 'web-1/m'] }];
    Object.assign(view, { charts });
    writeView();
    readView();
    const read = JSON.stringify(view.charts) === JSON.stringify(charts);
    history.replaceState(null, '', address);
    return [live.column('a/hits_total').shown.at(-1), read, chartQuery({ metric: 'x', type: 'counter', query: 'rate(x[5m])' }),
        chartQuery({ metric: 'x', type: 'histogram', query: 'histogram_quantile(0.95, sum by (le) (rate(x_bucket{name="a}"}[5m])))' }),
        number(3 * 1024 ** 3, 'bytes'), number(0.00045, 'seconds'), number(1234567), duration(7500)];
})().then(done, (error) => done(String(error)));"""


def calculations_are_right(page):
    found = page.driver.execute_async_script(CALCULATIONS)
    # It grows by 20 every fourth second, except at the reset: 7 times from the step at 8 to the one at 40.
    expected = [7 * 20 / 32, True, 'rate(x[5m])', 'rate(x_count{name="a}"}[5m])', "3 GiB", "450 µs", "1.23M", "2 h 05 min"]
    assert found == expected, f"{found} is not {expected}"


def gone_host_is_no_end(page):
    """A link to a missing host still shows the others."""
    page.driver.get("about:blank")
    page.driver.get(page.url + "#chart=cpu_usage_percent&line=avg&line=nobody")
    page.eventually("the average without the host", """return [...document.querySelectorAll('.card .value')].map((v) => v.textContent).join()
        .match(/^[\\d.]+ %,gone$/)""")


def away_gateway_is_shown(page, gateway):
    gateway.terminate()
    page.eventually("the notice that the Pushgateway is away", "return /away for/.test(document.querySelector('.output .state').textContent)")
    page.shot("away-1440")


def lost_connection_and_token(page, restart):
    """promemu ends; another one starts at its address, and needs a token."""
    with restart() as again:
        page.eventually("the notice that there is no connection", "return document.getElementById('banner').textContent.includes('No connection')")
        again()
        for attempt, token in enumerate(("wrong", "s3cret")):
            page.eventually("the question for the token", """const dialog = document.querySelector('dialog[open] .token');
                return dialog && (dialog.textContent.includes('not the one') || !arguments[0]);""", attempt > 0)
            page.driver.find_element(By.CSS_SELECTOR, ".token input").send_keys(token + "\n")
        page.eventually("the page at work again", "return document.getElementById('banner').hidden && !document.querySelector('dialog[open]')")
        page.eventually("charts at work again", "return [...document.querySelectorAll('.card .value')].some((v) => v.textContent !== '–')")


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


def main():
    program = os.path.abspath(sys.argv[1])
    shots = sys.argv[2] if len(sys.argv) > 2 else None
    push_interval = 2
    gateway = f"http://127.0.0.1:{free_port()}"
    with contextlib.ExitStack() as stack:
        folder = stack.enter_context(tempfile.TemporaryDirectory())
        log = os.path.join(folder, "promemu.log")
        running_gateway = stack.enter_context(process(
            ["prometheus-pushgateway", "--persistence.file=", f"--web.listen-address={gateway[7:]}"], os.path.join(folder, "gateway.log")))
        eventually("the Pushgateway", lambda: answers(f"{gateway}/-/ready"))
        url = f"http://127.0.0.1:{free_port()}"
        command = [program, "--config", "hosts_load_with_peaks", "--config-args", "hosts_count=5", "metrics_interval=1", "interval=1",
                   "--pushgateway-url", gateway, "--push-interval", str(push_interval), "--listen", url[7:], "--seed", "7"]
        first = stack.enter_context(process(command, log))
        eventually("promemu", lambda: answers(f"{url}/ready"))

        @contextlib.contextmanager
        def restart():
            first.terminate()
            first.wait(10)
            with contextlib.ExitStack() as second:
                yield lambda: second.enter_context(process(command, log, {"PME_API_TOKEN": "s3cret"}))

        with opened(url, shots, log) as page:
            first_look(page)
            charts_move(page)
            event_raises_cpu(page)
            page.shot("light-1440")
            override_reaches_gateway(page, gateway, push_interval)
            hosts_stop_and_start(page)
            config_is_checked(page)
            charts_zoom_together(page)
            keys_work(page)
            runs_come_and_go(page)
            reload_keeps_view(page)
            dark_and_on_a_phone(page)
            calculations_are_right(page)
            gone_host_is_no_end(page)
            complaints = page.complaints()
            assert not complaints, "\n".join(complaints)
            away_gateway_is_shown(page, running_gateway)
            lost_connection_and_token(page, restart)
    print("the page works")


if __name__ == "__main__":
    main()
