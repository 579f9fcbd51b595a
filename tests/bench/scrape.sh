#!/bin/sh
# Cost of scrapes of 1 000 000 gauges: processor time for each format, per series, as /proc/PID/stat
# counts it (user and system together, minus the work of the hosts meanwhile); and memory, also with slow clients.
#
#   tests/bench/scrape.sh [PROMEMU] [SCRAPES]      needs curl
#
# Nothing here is a test: it prints, and takes about two minutes.
set -eu

promemu=${1:-target/release/promemu}
scrapes=${2:-10}
series=1000000
dir=$(mktemp -d)
pid=
trap '[ -z "$pid" ] || kill "$pid"; wait; rm -rf "$dir"' EXIT

cat > "$dir/gauges.ron" <<'END'
Config(default_job_name: "bench", hosts: [Host(repeat: Repeat(var: "i", from: 1, to: 10000), name: "host-{i:05}",
    host: "app-{i:05}.zone-1.example", interval: "10m", labels: { "environment": "bench" }, metrics: [
        Metric(repeat: Repeat(var: "m", from: 1, to: 100), name: "gauge_{m:03}", value_range: (0, 1000), update_interval: "10m",
            scenario: random_in_range)])])
END

"$promemu" --listen off --config "$dir/gauges.ron" --output scrape=127.0.0.1:0 --status-interval 0 2> "$dir/log" &
pid=$!
until grep -q "the metrics are at" "$dir/log"; do sleep 0.2; done
url=$(sed -n 's|.*the metrics are at \(http://[^ ]*/metrics\),.*|\1|p' "$dir/log")
self=$(echo "$url" | sed 's|/metrics$|/promemu/metrics|')
until [ "$(curl -s "$self" | sed -n 's/^promemu_series //p')" = "$series" ]; do sleep 0.2; done

memory() { awk -v name="$1" '/VmRSS/ { printf "%-34s %4.0f MB resident\n", name, $2 / 1024 }' "/proc/$pid/status"; }
ticks() { awk '{ print $14 + $15 }' "/proc/$pid/stat"; }
hertz=$(getconf CLK_TCK)

# NAME ACCEPT ENCODING: the mean of some scrapes, after one that is not counted.
measure() {
    set -- "$1" "Accept: $2" "Accept-Encoding: $3"
    bytes=$(curl -s -H "$2" -H "$3" "$url" | wc -c)
    before=$(ticks)
    begun=$(date +%s%N)
    for _ in $(seq "$scrapes"); do curl -s -H "$2" -H "$3" -o /dev/null "$url"; done
    ended=$(date +%s%N)
    after=$(ticks)
    sleep 5
    idle=$(ticks)
    awk -v name="$1" -v bytes="$bytes" -v ticks="$((after - before))" -v idle="$((idle - after))" -v hertz="$hertz" \
        -v nanos="$((ended - begun))" -v scrapes="$scrapes" -v series="$series" 'BEGIN {
            wall = nanos / 1e9
            cpu = ticks / hertz - idle / hertz / 5 * wall
            printf "%-22s %6.1f MB  %6.0f ms  %5.0f ns of processor time a series\n", name, bytes / 1e6, wall * 1000 / scrapes, \
                cpu * 1e9 / scrapes / series
        }'
}

memory "before the first scrape"
measure "text" "text/plain" "identity"
measure "openmetrics" "application/openmetrics-text" "identity"
measure "protobuf" "application/vnd.google.protobuf" "identity"
measure "text, gzip" "text/plain" "gzip"
measure "text, zstd" "text/plain" "zstd"
memory "after all of them"
# Sixteen at a time are served; each of these takes 1 MB a second.
for _ in $(seq 16); do timeout 10 curl -s --limit-rate 1M -o /dev/null "$url" & done
sleep 8
memory "beside 16 slow clients"
