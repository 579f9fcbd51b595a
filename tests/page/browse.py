#!/usr/bin/python3
"""The live page in a real Chromium, beside a real Pushgateway: browse.py PROMEMU [FOLDER FOR SCREENSHOTS]

Debian's chromium, chromium-driver and python3-selenium drive it; prometheus-pushgateway is on the PATH. All on loopback.
"""

import contextlib
import json
import os
import re
import sys
import tempfile
import time
import urllib.parse

from selenium.webdriver.common.action_chains import ActionChains
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys

from driver import answers, eventually, free_port, opened, process, read


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
    page.script("document.querySelector('[aria-label=\"remove the chart: cpu_usage_percent\"]').click()")
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


def lines_and_cards_stand_alone(page):
    """A line alone, a card that fills the window, the values beside the cursor, totals, and a heat map."""
    page.eventually("values per second", "return [...document.querySelectorAll('.total')].some((tile) => /^values\\/s[\\d.]+/.test(tile.textContent))")
    page.press(".card .entry", "worker-01")
    assert page.script("return document.querySelectorAll('.entry.is-off').length") > 0, "no line is hidden"
    page.press(".card .entry", "worker-01")
    assert page.script("return document.querySelectorAll('.entry.is-off').length") == 0, "a line stays hidden"
    page.script("document.querySelector('[aria-label=\"fill the window: cpu_usage_percent\"]').click()")
    page.eventually("a card that fills the window", "return document.querySelector('.card.is-full').getBoundingClientRect().width === innerWidth")
    page.eventually("the extent of its lines", "return /min .* mean .* max /.test(document.querySelector('.is-full .extent').textContent)")
    page.shot("full-1440")
    page.driver.find_element(By.TAG_NAME, "body").send_keys(Keys.ESCAPE)
    page.eventually("the board again", "return document.querySelector('.card.is-full') === null")
    plot = page.driver.find_elements(By.CSS_SELECTOR, ".plot .u-over")[0]
    ActionChains(page.driver).move_to_element_with_offset(plot, 60, 0).perform()
    page.eventually("values beside the cursor", "return document.querySelectorAll('.tooltip:not([hidden]) b').length > 1")
    values = page.script("return [...document.querySelectorAll('.tooltip:not([hidden]) b')].map((value) => parseFloat(value.textContent))")
    assert values == sorted(values, reverse=True), values


def fleet_map_opens_hosts(page):
    page.script("document.getElementById('fleet').open = true")
    page.eventually("a map of all hosts", "return /map of 6 hosts/.test(document.querySelector('.map').getAttribute('aria-label'))")
    cell = page.script("const map = document.querySelector('.map'); map.scrollIntoView({ block: 'center' }); return [8 - map.width / 2, 8 - map.height / 2]")
    ActionChains(page.driver).move_to_element_with_offset(page.driver.find_element(By.CSS_SELECTOR, ".map"), *[int(part) for part in cell]).click().perform()
    page.eventually("its first host", "return document.getElementById('drawer-title')?.textContent === 'balancer-1'")
    page.script("document.querySelector('[aria-label=\"close balancer-1\"]').click(); document.getElementById('fleet').open = false")


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
    page.script("document.querySelector('[aria-label^=\"chart of cpu_usage_percent\"]').focus()")
    place = page.driver.switch_to.active_element
    place.send_keys(Keys.ARROW_LEFT)
    first = page.script(readout)
    place.send_keys(Keys.ARROW_LEFT * 2)
    eventually("a cursor that moves by keys", lambda: page.script(readout) != first)
    said = page.script("return document.activeElement.getAttribute('aria-label')")
    assert re.search(r"chart of cpu_usage_percent at [\d:]+: avg [\d.]+ %", said), said
    place.send_keys("+")
    page.eventually("a zoom by keys", "return !document.getElementById('reset-zoom').hidden && location.hash.includes('zoom=')")
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


def ribbon_says_what_is_wrong(page, put):
    """What is wrong, since when and where is said in words, is a span, and can be ended there."""
    words = "return document.getElementById('ribbon-now').textContent"
    page.eventually("that nothing is wrong", words + ".startsWith('Nothing is wrong now. ')")
    assert put("api/v1/faults/saturation?run=second")
    page.eventually("the fault in words", "return /^Wrong now: saturation since [\\d:]+, for .* on .*api-01/.test(document.getElementById('ribbon-now').textContent)")
    page.press(".span.fault.is-on", "saturation")
    page.eventually("its details", "return document.querySelector('dialog[open] .facts')?.textContent.includes('on now')")
    page.shot("ribbon-1440")
    page.press("dialog[open] button", "End the fault")
    page.eventually("its end", words + ".startsWith('Nothing is wrong now. ') && document.querySelector('.span.fault') !== null")


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
    ribbon_says_what_is_wrong(page, lambda path: page.driver.execute_async_script(post, "PUT", path, "{}"))
    page.script("document.querySelector('[aria-label=\"choose the lines: http_request_duration_seconds\"]').click()")
    page.press("dialog[open] button:not([hidden])", "Heat map")
    page.eventually("a heat map with its bounds", "return location.hash.includes('bucket11') && document.querySelectorAll('.card canvas').length > 3")
    page.fits()
    page.shot("second-1440")
    assert page.driver.execute_async_script(post, "POST", "api/v1/runs/second/stop", None)
    eventually("the second run deleted", lambda: page.driver.execute_async_script(post, "DELETE", "api/v1/runs/second", None))
    page.eventually("the notice that it does not exist", "return document.getElementById('banner').textContent.includes('choose another one')")
    page.driver.get("about:blank")
    # The browser logs each 404 of the deleted run, and each 409 of one that is still stopping.
    complaints = [one for one in page.complaints() if "run=second" not in one and "runs/second" not in one]
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
    const { valueLabels } = await import('./page/axis.js');
    const { isolated, visible } = await import('./page/elements.js');
    const live = new Live({ changed() {}, failed() {} });
    live.begin({ every_seconds: 1, series: [{ id: 'a', points: [[8, 1], [9, 2]], past: [[0, 5], [5, 6]] }] });
    for (const [t, value] of [[10, 3], [11, 4], [30, 5]]) live.add({ t, values: [value] });
    const points = live.times.map((time, at) => [time, live.column('a').values[at]]);
    live.add({ t: 3, values: [9] });
    const anew = [...live.times, ...live.column('a').values];
    const address = location.href;
    const charts = [{ metric: 'm', lines: ['avg', 'a/b/m{disk="x,/y"}', 'web-1/m'] }];
    Object.assign(view, { charts });
    writeView();
    readView();
    const read = JSON.stringify(view.charts) === JSON.stringify(charts);
    history.replaceState(null, '', address);
    return [points, anew, read,
        chartQuery([{ line: 'avg', query: 'avg(x)' }, { line: 'h/x', query: 'x{name="h"}' }]),
        chartQuery([{ line: 'p50', query: 'a' }, { line: 'sum{a="$1"}', query: 'b' }]),
        valueLabels([0, 2 ** 20, 2 ** 21], 'bytes'), valueLabels([1000.1, 1000.2], 'plain'), valueLabels([0, 0.05], 'seconds'),
        isolated('plain'), isolated('a\\u202eb\\u2069'), visible('\\u0007'),
        number(3 * 1024 ** 3, 'bytes'), number(0.00045, 'seconds'), number(1234567), duration(7500)];
})().then(done, (error) => done(String(error)));"""


def calculations_are_right(page):
    found = page.driver.execute_async_script(CALCULATIONS)
    expected = [
        # The samples of a history are far apart; a gap of the stream has a moment without a value.
        [[0, 5], [5, 6], [8, 1], [9, 2], [10, 3], [11, 4], [12, None], [30, 5]],
        [3, 9], True,
        'avg(x) or x{name="h"}',
        'label_replace(a, "line", "p50", "", "") or label_replace(b, "line", "sum{a=\\"$$1\\"}", "", "")',
        ["0", "1\u202fMiB", "2\u202fMiB"], ["1000.1", "1000.2"], ["0", "50\u202fms"],
        "plain", "\u2068a\\u202eb\\u2069\u2069", "\\u0007",
        "3 GiB", "450 µs", "1.23M", "2 h 05 min",
    ]
    assert found == expected, f"{found} is not {expected}"


def queries_return_every_line(page, prometheus):
    """What the page copies is answered with a series for each line that has a value."""
    for card in page.driver.find_elements(By.CSS_SELECTOR, ".card"):
        count = "return [...arguments[0].querySelectorAll('.value')].filter((value) => !['–', 'gone'].includes(value.textContent)).length"
        page.script("document.getElementById('toasts').replaceChildren(); arguments[0].querySelector('.card-tools button').click()", card)
        text = page.eventually("the copied query", "return document.querySelector('.toast')?.textContent")
        query = urllib.parse.urlencode({"query": text.removeprefix("copied: ")})

        def answered():
            answer = json.loads(answers(f"{prometheus}/api/v1/query?{query}") or "{}")
            return len(answer.get("data", {}).get("result", [])) == page.script(count, card) > 0

        eventually(f"a series for each line: {text}", answered)


def legend_says_values(page):
    """The accessibility tree has the names of lines with their values."""
    nodes = page.driver.execute_cdp_cmd("Accessibility.getFullAXTree", {})["nodes"]
    names = [node.get("name", {}).get("value", "") for node in nodes if node.get("role", {}).get("value") == "button"]
    assert any(re.search(r"^worker-01 [\d.]+ %$", name) for name in names), names


def phone_with_trouble_fits(page):
    """An output in trouble is no wider than a small phone, and what one touches is large."""
    page.driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", {"width": 360, "height": 740, "deviceScaleFactor": 1, "mobile": True})
    page.fits()
    small = page.script("""return [...document.querySelectorAll('button, select, input, summary, textarea')].filter((one) => {
        const box = (one.type === 'checkbox' ? one.parentElement : one).getBoundingClientRect();
        return box.width && (box.height < 44 || (one.tagName === 'BUTTON' && box.width < 44));
    }).map((one) => one.outerHTML.slice(0, 120))""")
    assert not small, small
    page.shot("away-360")


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
    phone_with_trouble_fits(page)


def lost_connection_and_token(page, restart):
    """promemu ends; another one starts at its address, and needs a token."""
    with restart() as again:
        page.eventually("the notice that there is no connection", "return document.getElementById('banner').textContent.includes('No connection')")
        greyed = "return document.body.classList.contains('is-lost') && document.querySelector('.run .state').textContent === 'away'"
        page.eventually("an away state", greyed)
        again()
        for attempt, token in enumerate(("wrong", "s3cret")):
            page.eventually("the question for the token", """const dialog = document.querySelector('dialog[open] .token');
                return dialog && (dialog.textContent.includes('not the one') || !arguments[0]);""", attempt > 0)
            page.driver.find_element(By.CSS_SELECTOR, ".token input").send_keys(token + "\n")
        page.eventually("the page at work again", "return document.getElementById('banner').hidden && !document.querySelector('dialog[open]')")
        page.eventually("a word of the restart", "return /seed8.*restarted[\\d:]{8}/s.test(document.getElementById('run').textContent)")
        assert not page.script(greyed), "the page is still grey"
        page.eventually("charts at work again", "return [...document.querySelectorAll('.card .value')].some((v) => v.textContent !== '–')")


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
        url, prometheus = f"http://127.0.0.1:{free_port()}", f"http://127.0.0.1:{free_port()}"
        scraping = os.path.join(folder, "prometheus.yml")
        with open(scraping, "w", encoding="utf-8") as out:
            out.write("global: { scrape_interval: 1s }\nscrape_configs: [{ job_name: x, honor_labels: true, "
                      f"static_configs: [{{ targets: ['{gateway[7:]}'] }}] }}]\n")
        stack.enter_context(process(
            ["prometheus", f"--config.file={scraping}", f"--storage.tsdb.path={folder}/tsdb", f"--web.listen-address={prometheus[7:]}"],
            os.path.join(folder, "prometheus.log")))
        command = [program, "--config", "hosts_load_with_peaks", "--config-args", "hosts_count=5", "metrics_interval=1", "interval=1",
                   "--pushgateway-url", gateway, "--push-interval", str(push_interval), "--listen", url[7:], "--seed"]
        first = stack.enter_context(process([*command, "7"], log))
        eventually("promemu", lambda: answers(f"{url}/ready"))

        @contextlib.contextmanager
        def restart():
            first.terminate()
            first.wait(10)
            with contextlib.ExitStack() as second:
                yield lambda: second.enter_context(process([*command, "8"], log, {"PME_API_TOKEN": "s3cret"}))

        with opened(url, shots, log) as page:
            first_look(page)
            charts_move(page)
            event_raises_cpu(page)
            page.shot("light-1440")
            override_reaches_gateway(page, gateway, push_interval)
            hosts_stop_and_start(page)
            queries_return_every_line(page, prometheus)
            legend_says_values(page)
            config_is_checked(page)
            lines_and_cards_stand_alone(page)
            fleet_map_opens_hosts(page)
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
