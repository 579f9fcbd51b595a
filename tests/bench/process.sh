#!/usr/bin/env bash
# Figures of whole processes: memory, CPU, start and scrape of live runs that grow tenfold, and the rate of
# pushes beside that of a body which never changes.
#
#   tests/bench/process.sh [PROMEMU]      needs curl, and prometheus-pushgateway and python3 for the pushes
#
# Nothing here is a test: it prints, and takes some five minutes.
set -euo pipefail

promemu="${1:-target/release/promemu}"
port="${PORT:-19464}"
page="http://127.0.0.1:$port/metrics"
gateway="http://127.0.0.1:$((port + 1))"
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

now() {
    date +%s.%N
}

# Starts the run under test: HOSTS and one balancer, and further options. Its pid is in $pid.
start() {
    local hosts="$1"
    shift
    "$promemu" --listen off --config hosts_load_with_peaks --config-args "hosts_count=$hosts" --seed 1 \
        --status-interval inf "$@" >"$folder/log" 2>&1 &
    pid=$!
    children+=("$pid")
}

stop() {
    kill "$pid"
    wait "$pid" 2>/dev/null || true
    children=("${children[@]:0:${#children[@]}-1}")
}

# Number of samples on the page, without comments and blank lines.
samples() {
    curl -sf "$page" 2>/dev/null | grep -cv '^#' || true
}

grow() {
    local hosts="$1" series scrapes begun complete before after from rss cpu scrape bytes
    series=$((hosts * 15 + 1))
    begun="$(now)"
    start "$hosts" --output "scrape=127.0.0.1:$port"
    for ((tries = 0; tries < 400; tries++)); do
        if (($(samples) >= series)); then break; fi
        sleep 0.02
    done
    complete="$(awk -v a="$begun" -v b="$(now)" 'BEGIN {printf "%.2f", b - a}')"
    sleep 5
    before="$(ticks "$pid")"
    sleep 20
    after="$(ticks "$pid")"
    cpu="$(awk -v t=$((after - before)) -v h="$ticks_per_sec" 'BEGIN {printf "%.2f", t / h / 20 * 100}')"
    # As many samples for each size, and without what the run takes anyway.
    scrapes=$((10000000 / series))
    from="$(ticks "$pid")"
    begun="$(now)"
    for ((n = 0; n < scrapes; n++)); do curl -s -o "$folder/page" "$page"; done
    scrape="$(awk -v t=$(($(ticks "$pid") - from)) -v h="$ticks_per_sec" -v a="$begun" -v b="$(now)" -v cpu="$cpu" \
        -v s=$((scrapes * series)) 'BEGIN {printf "%.0f", (t / h - (b - a) * cpu / 100) / s * 1e9}')"
    bytes="$(stat -c %s "$folder/page")"
    rss="$(awk '/^VmRSS/ {printf "%.1f", $2 * 1024 / 1e6}' "/proc/$pid/status")"
    printf '%10d %12s s %10s %% %10s MB %12s ns %12d\n' "$series" "$complete" "$cpu" "$rss" "$scrape" "$bytes"
    stop
}

# Memory without any page having been made.
steady() {
    start 66666 --output "scrape=127.0.0.1:$port"
    sleep 30
    awk '/^VmRSS/ {printf "999 991 series before the first scrape: %.1f MB\n", $2 * 1024 / 1e6}' "/proc/$pid/status"
    stop
}

pushes() {
    local own fixed gateway_pid
    one_body
    prometheus-pushgateway --web.listen-address="${gateway#http://}" --persistence.file= \
        --push.disable-consistency-check >"$folder/gateway" 2>&1 &
    gateway_pid=$!
    children+=("$gateway_pid")
    until curl -sf "$gateway/-/ready" >/dev/null; do sleep 0.1; done
    fixed="$(rate_of_the_body)"
    start 6666 --output "pushgateway=$gateway" --push-interval 10ms --self-metrics-address "127.0.0.1:$port"
    sleep 5
    own="$(pushed)"
    sleep 20
    own="$(awk -v n=$(($(pushed) - own)) 'BEGIN {print n / 20}')"
    stop
    awk -v own="$own" -v fixed="$fixed" 'BEGIN {
        printf "99 991 series to a Pushgateway: %.2f pushes/s, the same body again and again %.2f, ratio %.2f\n",
            own, fixed, own / fixed
    }'
    kill "$gateway_pid"
}

# Keeps what promemu pushes, with all series in it.
one_body() {
    python3 - "$((port + 1))" "$folder/body" <<'SERVER' &
import http.server, sys

class Gateway(http.server.BaseHTTPRequestHandler):
    def answer(self, body=b'{"status":"success","data":[]}'):
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    do_GET = do_DELETE = answer

    def do_PUT(self):
        open(sys.argv[2], "wb").write(self.rfile.read(int(self.headers["Content-Length"])))
        self.answer(b"")

    def log_message(self, *_):
        pass

http.server.HTTPServer(("127.0.0.1", int(sys.argv[1])), Gateway).serve_forever()
SERVER
    children+=("$!")
    sleep 1
    start 6666 --output "pushgateway=$gateway" --cleanup-on-start=false --cleanup-on-finish=false
    sleep 20
    stop
    kill "${children[-1]}"
    unset 'children[-1]'
}

# Rate at which the gateway accepts the body over one connection, per second.
rate_of_the_body() {
    local times=60 begun
    begun="$(now)"
    curl -sf -o /dev/null -X PUT -H "Content-Type: $protobuf" --data-binary "@$folder/body" \
        "$gateway/metrics/job/fixed?n=[1-$times]"
    awk -v n="$times" -v a="$begun" -v b="$(now)" 'BEGIN {print n / (b - a)}'
}

# Number of pushes so far.
pushed() {
    curl -s "$page" | awk '/^promemu_push_seconds_count/ {print $2}'
}

printf '%10s %14s %12s %13s %15s %12s\n' series 'first page' CPU resident 'scrape, a series' bytes
for hosts in 666 6666 66666; do grow "$hosts"; done
steady
if command -v prometheus-pushgateway >/dev/null; then
    pushes
else
    printf 'prometheus-pushgateway is not on PATH: the pushes are left out\n'
fi
