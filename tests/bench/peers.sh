#!/usr/bin/env bash
# promemu beside avalanche and sonda, in one run on one machine: a scrape of a million gauges, samples written as text, and
# memory. It prints a card of the machine and the versions, and one table.
#
#   tests/bench/peers.sh [PROMEMU] [SERIES]      needs curl; takes avalanche and sonda from the PATH, and leaves out who is missing
#
# Nothing here is a test: it takes some three minutes. Processor time is that of the kernel, user and system together.
set -euo pipefail

promemu="${1:-target/release/promemu}"
series="${2:-1000000}"
port="${PORT:-19474}"
page="http://127.0.0.1:$port/metrics"
ticks_per_sec="$(getconf CLK_TCK)"
folder="$(mktemp -d)"
pid=

stop() {
    if [[ -n $pid ]]; then kill "$pid" 2>/dev/null || true; fi
    wait 2>/dev/null || true
    pid=
}
trap 'stop; rm -rf -- "$folder"' EXIT

if [[ ! -x $promemu ]]; then
    printf 'no binary at %s; build it first: cargo build --release\n' "$promemu" >&2
    exit 2
fi

ticks() { awk '{print $14 + $15}' "/proc/$pid/stat"; }
resident() { awk '/^VmRSS/ {print $2 * 1024}' "/proc/$pid/status"; }
threads() { awk '/^Threads/ {print $2}' "/proc/$pid/status"; }

# NAME: a server that runs as $pid, with all series on its page: a row of the table.
scrapes() {
    local name="$1" memory before count=3 bytes after
    until curl -sf -H 'Accept-Encoding: identity' -o "$folder/page" "$page" && (($(grep -cv '^#' "$folder/page") >= series)); do
        sleep 1
    done
    sleep 3
    memory="$(resident)"
    before="$(ticks)"
    for _ in $(seq "$count"); do curl -s -H 'Accept: text/plain' -H 'Accept-Encoding: identity' -o "$folder/page" "$page"; done
    # What is done behind a scrape, such as a collection of garbage, belongs to it.
    sleep 3
    after="$(ticks)"
    bytes="$(stat -c %s "$folder/page")"
    awk -v name="$name" -v cpu=$((after - before)) -v hz="$ticks_per_sec" -v n="$count" -v series="$series" -v bytes="$bytes" \
        -v memory="$memory" -v peak="$(awk '/^VmHWM/ {print $2 * 1024}' "/proc/$pid/status")" 'BEGIN {
            printf "| %s | %.0f ns | %.0f bytes | %.0f bytes | %.0f bytes |\n", name, cpu / hz / n / series * 1e9, bytes / series,
                memory / series, peak / series
        }'
    stop
}

# NAME COMMAND…: samples that it writes to its standard output, and the processor time that it takes.
samples() {
    local name="$1" lines cpu
    shift
    TIMEFORMAT='%U %S'
    lines="$({ time "$@" 2>/dev/null; } 2>"$folder/time" | grep -cv '^#')"
    cpu="$(tail -n 1 "$folder/time")"
    awk -v name="$name" -v lines="$lines" -v cpu="$cpu" 'BEGIN {
        split(cpu, of, " ")
        printf "| %s | %d | %.2f s | %.2f million |\n", name, lines, of[1] + of[2], lines / (of[1] + of[2]) / 1e6
    }'
}

printf '%s, %s cores, %s of memory, Linux %s, load %s, %s\n' \
    "$(sed -n 's/^model name[^:]*: //p' /proc/cpuinfo | head -n 1)" "$(nproc)" \
    "$(awk '/^MemTotal/ {printf "%.0f GB", $2 / 1e6}' /proc/meminfo)" "$(uname -r)" "$(cut -d ' ' -f 1 /proc/loadavg)" "$(date -u +%F)"
"$promemu" --version
if command -v avalanche >/dev/null; then avalanche --version 2>&1 | grep -E 'version' | head -n 2; fi
if command -v sonda >/dev/null; then sonda --version; fi

cat >"$folder/gauges.ron" <<END
Config(default_job_name: "bench", hosts: [Host(repeat: Repeat(var: "i", from: 1, to: $((series / 100))), name: "host-{i:05}",
    host: "app-{i:05}.zone-1.example", interval: "10m", labels: { "environment": "bench" }, metrics: [
        Metric(repeat: Repeat(var: "m", from: 1, to: 100), name: "gauge_{m:03}", value_range: (0, 1000), update_interval: "10m",
            scenario: random_in_range)])])
END

printf '\n%s gauges, a scrape of text without compression\n\n' "$series"
printf '| | processor time a series | size a series | memory a series | at most |\n| --- | --- | --- | --- | --- |\n'
"$promemu" --listen off --config "$folder/gauges.ron" --output "scrape=127.0.0.1:$port" --status-interval inf >/dev/null 2>&1 &
pid=$!
scrapes promemu
if command -v avalanche >/dev/null; then
    avalanche --port="$port" --gauge-metric-count=$((series / 1000)) --counter-metric-count=0 --histogram-metric-count=0 \
        --native-histogram-metric-count=0 --summary-metric-count=0 --series-count=1000 --label-count=2 --value-interval=0 \
        --series-interval=0 --metric-interval=0 >/dev/null 2>&1 &
    pid=$!
    scrapes avalanche
fi

cat >"$folder/export.ron" <<'END'
Config(default_job_name: "bench", hosts: [Host(repeat: Repeat(var: "i", from: 1, to: 10), name: "host-{i}", interval: "1s",
    metrics: [Metric(name: "gauge", value_range: (0, 100), update_interval: "1s", scenario: random_in_range)])])
END
sonda_config() {
    printf 'version: 2\nkind: runnable\ndefaults: { rate: %s, duration: %s, encoder: { type: prometheus_text }, sink: { type: stdout } }\nscenarios:\n' \
        "$2" "$3"
    for n in $(seq "$1"); do
        printf '  - { id: s%s, signal_type: metrics, name: gauge, generator: { type: uniform, min: 0, max: 100 }, labels: { instance: host-%s, job: bench } }\n' \
            "$n" "$n"
    done
}

printf '\nsamples with new values as text, on one thread\n\n'
printf '| | samples | processor time | samples a second and core |\n| --- | --- | --- | --- |\n'
samples promemu "$promemu" export "$folder/export.ron" --for 30d --step 1s --threads 1 --format openmetrics --out -
if command -v sonda >/dev/null; then
    sonda_config 1 1000000000 10s >"$folder/one.yaml"
    samples sonda sonda -q run "$folder/one.yaml"

    printf '\nmemory of 1 000 gauges that change each second\n\n'
    printf '| | memory a series | threads |\n| --- | --- | --- |\n'
    hold() {
        local base="$1" name="$2"
        sleep 5
        awk -v name="$name" -v memory="$(resident)" -v base="$base" -v threads="$(threads)" \
            'BEGIN {printf "| %s | %.0f bytes | %d |\n", name, (memory - base) / 999, threads}'
        stop
    }
    base() {
        sleep 5
        resident
    }
    sonda_config 1 1 60s >"$folder/few.yaml"
    sonda_config 1000 1 60s >"$folder/many.yaml"
    for hosts in 1 1000; do
        sed "s/to: 10)/to: $hosts)/" "$folder/export.ron" >"$folder/$hosts.ron"
    done
    "$promemu" --listen off --config "$folder/1.ron" --output "scrape=127.0.0.1:$port" >/dev/null 2>&1 &
    pid=$!
    own="$(base)"
    stop
    "$promemu" --listen off --config "$folder/1000.ron" --output "scrape=127.0.0.1:$port" >/dev/null 2>&1 &
    pid=$!
    hold "$own" 'promemu, a host for each'
    sonda -q run "$folder/few.yaml" >/dev/null 2>&1 &
    pid=$!
    own="$(base)"
    stop
    sonda -q run "$folder/many.yaml" >/dev/null 2>&1 &
    pid=$!
    hold "$own" 'sonda, a scenario for each'
fi
