"""Makes the example model of `promemu/Learned-v0` anew: a web server whose requests are throttled, recorded and fitted.

    python example.py path/to/promemu ../python/promemu/example.promemu-model
"""

import pathlib
import subprocess
import sys
import tempfile

BEGIN = "2026-01-05T00:00:00Z"
FAULTS = []
at = 60
for n in range(60):
    on, off, level = 25 + n * 37 % 90, 25 + n * 53 % 100, (0.25, 0.5, 1.0)[n % 3]
    FAULTS.append(f'Fault(id: "throttle {n}", at: "{at}s", lasts: "{on}s", set: {{ "throttle": {level} }}),')
    at += on + off
CONFIG = f"""Config(default_job_name: "web", identity_labels: false, levers: {{ "throttle": 0 }}, faults: [{" ".join(FAULTS)}], hosts: [
    Host(name: "web-1", interval: "5s", ttl: inf, labels: {{ "instance": "web-1:80" }}, metrics: [
        Metric(name: "requests_in_flight", update_interval: "5s", decimals: 3, value_range: (0, 100), default_value: 20,
            scenario: script(source: "0.8 * value + 8 * (1 - 0.8 * run.throttle) * random(0.8, 1.2)")),
        Metric(name: "latency_seconds", update_interval: "5s", decimals: 4, value_range: (0, 10),
            scenario: relay_to_other_metric(source_metric_name: "requests_in_flight",
                calc_function: "0.1 * exp(value / 40) * random(0.9, 1.1)")),
        Metric(name: "requests_total", metric_type: counter, update_interval: "5s",
            scenario: script(source: "round(200 * (1 - 0.8 * run.throttle) * random(0.9, 1.1))")),
        Metric(name: "rejected_total", metric_type: counter, update_interval: "5s",
            scenario: script(source: "round(160 * run.throttle * random(0.9, 1.1))")),
    ])])
"""


def main() -> None:
    program, model = sys.argv[1:]
    with tempfile.TemporaryDirectory() as folder:
        config, data, truth, recording = (str(pathlib.Path(folder) / name) for name in ("web.ron", "data", "truth", "web"))
        pathlib.Path(config).write_text(CONFIG, encoding="utf-8")
        numbers = pathlib.Path(folder) / "small.ron"
        numbers.write_text("(members: 2)", encoding="utf-8")
        exported = ["--seed", "4", "--from", BEGIN, "--for", f"{at}s", "--step", "5s", "--format", "blocks"]
        for command in (
            ["export", config, "--out", data, "--truth", truth, *exported],
            ["record", "--blocks", data, "--out", recording],
            ["record", "action", "--truth-file", truth, "--out", recording],
            ["fit", "--dynamics", recording, "--out", model, "--force", "--hyperparameters", str(numbers)],
        ):
            subprocess.run([program, *command], check=True)


main()
