#!/usr/bin/env bash
# Figures of a run in three shards beside those of one process with as many series as one of them: processor time and memory
# while each is scraped every 15 s, and what the bus takes.
#
#   tests/bench/shards.sh [PROMEMU [MINUTES [HOSTS]]]      needs curl and nats-server
#
# Nothing here is a test: it prints, and takes some minutes more than it is given.
set -euo pipefail

promemu="${1:-target/release/promemu}"
minutes="${2:-10}"
hosts="${3:-200000}"
port="${PORT:-19470}"
bus="nats://127.0.0.1:$((port + 3))"
monitor="http://127.0.0.1:$((port + 4))/varz"
protobuf='application/vnd.google.protobuf; proto=io.prometheus.client.MetricFamily; encoding=delimited'
ticks_per_sec="$(getconf CLK_TCK)"
folder="$(mktemp -d)"
children=()

clean_up() {
    if ((${#children[@]} > 0)); then kill "${children[@]}" 2>/dev/null || true; fi
    wait 2>/dev/null || true
    rm -rf -- "$folder"
}
trap clean_up EXIT

if [[ ! -x $promemu ]]; then
    printf 'no binary at %s; build it first: cargo build --release\n' "$promemu" >&2
    exit 2
fi

# The CPU time of a process so far, in clock ticks.
ticks() {
    awk '{print $14 + $15}' "/proc/$1/stat"
}

# Starts a run of this many hosts that is scraped at this port, with further options. Its pid is the last of the children.
start() {
    local count="$1" at="$2"
    shift 2
    "$promemu" --listen off --config hosts_load_with_peaks --config-args "hosts_count=$count" --seed 1 \
        --status-interval inf --output "scrape=127.0.0.1:$at" "$@" >"$folder/log.$at" 2>&1 &
    children+=("$!")
}

# Waits for a page with this many series, and prints how long that took.
complete() {
    local at="$1" series="$2" begun="$SECONDS"
    until (($(curl -sf "http://127.0.0.1:$at/metrics" 2>/dev/null | grep -cv '^#' || true) >= series)); do
        if ((SECONDS - begun > 300)); then
            printf 'no complete page after 300 s: %s\n' "$(tail -n 1 "$folder/log.$at")" >&2
            exit 1
        fi
        sleep 0.2
    done
}

# Scrapes these ports every 15 s for so many seconds; each is a process of the children in the same order.
scrape() {
    local secs="$1" end at
    shift
    end=$((SECONDS + secs))
    while ((SECONDS < end)); do
        for at in "$@"; do
            curl -sf -H "Accept: $protobuf" -o /dev/null "http://127.0.0.1:$at/metrics"
        done
        sleep 15
    done
}

figures() {
    local name="$1" pid="$2" before="$3" secs="$4" series="$5"
    awk -v name="$name" -v t=$(($(ticks "$pid") - before)) -v h="$ticks_per_sec" -v s="$secs" -v n="$series" \
        '/^VmRSS/ {printf "%-22s %9d series %7.2f %% of a core %8.1f MB\n", name, n, t / h / s * 100, $2 * 1024 / 1e6}' \
        "/proc/$pid/status"
}

one() {
    local count=$((hosts / 3)) before begun series
    start "$count" "$port"
    complete "$port" $((count * 15))
    series="$(curl -s "http://127.0.0.1:$port/metrics" | grep -cv '^#')"
    before="$(ticks "${children[-1]}")"
    begun="$SECONDS"
    scrape 180 "$port"
    figures 'one process' "${children[-1]}" "$before" $((SECONDS - begun)) "$series"
    kill "${children[-1]}"
    wait "${children[-1]}" || true
    children=()
}

three() {
    local begun n at series before=() seen
    nats-server --addr 127.0.0.1 --port $((port + 3)) --http_port $((port + 4)) --jetstream --store_dir "$folder/nats" \
        >"$folder/nats.log" 2>&1 &
    children+=("$!")
    until curl -sf "$monitor" >/dev/null; do sleep 0.1; done
    for n in 1 2 3; do start "$hosts" $((port + n - 1)) --shard "$n/3" --bus "$bus" --self-metrics-address "127.0.0.1:$((port + 4 + n))"; done
    for n in 1 2 3; do complete $((port + n - 1)) $((hosts * 15 * 90 / 300)); done
    for n in 0 1 2 3; do before+=("$(ticks "${children[$n]}")"); done
    seen="$(messages)"
    begun="$SECONDS"
    scrape $((minutes * 60)) "$port" $((port + 1)) $((port + 2))
    for n in 1 2 3; do
        at=$((port + n - 1))
        series="$(curl -s "http://127.0.0.1:$at/metrics" | grep -cv '^#')"
        figures "shard $n/3" "${children[$n]}" "${before[$n]}" $((SECONDS - begun)) "$series"
    done
    figures 'nats-server' "${children[0]}" "${before[0]}" $((SECONDS - begun)) 0
    awk -v n=$(($(messages) - seen)) -v s=$((SECONDS - begun)) \
        'BEGIN {printf "messages to the bus: %.2f a second, over %d s\n", n / s, s}'
    for n in 1 2 3; do
        curl -s "http://127.0.0.1:$((port + 4 + n))/metrics" | awk -v n="$n" '/^promemu_bus_/ {printf "shard %d: %s %d\n", n, $1, $2}'
    done
}

# Number of messages that the bus has taken so far.
messages() {
    curl -s "$monitor" | awk -F: '/"in_msgs"/ {gsub(/[ ,]/, "", $2); print $2}'
}

one
three
