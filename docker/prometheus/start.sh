#!/bin/sh
# Starts Prometheus with the prometheus.yml beside this file, with the interval and the addresses replaced by those of
# the variables: in a container and from Debian's package. Arguments are passed to Prometheus.
set -eu

here="$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd)"
: "${PROMETHEUS_DATA:=/prometheus}"
config="$PROMETHEUS_DATA/prometheus.yml"

mkdir -p "$PROMETHEUS_DATA"
sed -e "s|_interval: 5s|_interval: ${SCRAPE_INTERVAL:-5s}|" \
    -e "s|rules/\*\.yml|$here/rules/*.yml|" \
    -e "s|alertmanager:9093|${ALERTMANAGER_ADDRESS:-alertmanager:9093}|" \
    -e "s|pushgateway:9091|${PUSHGATEWAY_ADDRESS:-pushgateway:9091}|" \
    -e "s|promemu:9092|${PROMEMU_ADDRESS:-promemu:9092}|" \
    -e "s|localhost:9090|${PROMETHEUS_ADDRESS:-localhost:9090}|" \
    "$here/prometheus.yml" >"$config"

# A stack without a Pushgateway, and emulated metrics that promemu serves; both keep the job that promemu gave them.
if [ "${PUSHGATEWAY_ADDRESS:-}" = none ]; then
    sed '/# Pushed series/,/^$/d' "$config" >"$config.new"
    mv "$config.new" "$config"
fi
if [ -n "${EMULATED_ADDRESS:-}" ]; then
    cat >>"$config" <<JOB

  - job_name: emulated
    honor_labels: true
    static_configs:
      - targets: ["$EMULATED_ADDRESS"]
JOB
fi

# Runs that follow each other in seconds.
if [ -n "${RESILIENCE_ADDRESSES:-}" ]; then
    cat >>"$config" <<JOB

  - job_name: resilience
    honor_labels: true
    scrape_interval: 1s
    scrape_timeout: 1s
    static_configs:
      - targets: ["$(printf '%s' "$RESILIENCE_ADDRESSES" | sed 's/,/", "/g')"]
JOB
fi

exec prometheus \
    --config.file="$config" \
    --storage.tsdb.path="$PROMETHEUS_DATA" \
    --storage.tsdb.retention.time="${RETENTION:-15d}" \
    --enable-feature=native-histograms,exemplar-storage \
    --web.enable-remote-write-receiver \
    --web.listen-address="${PROMETHEUS_LISTEN:-0.0.0.0:9090}" \
    "$@"
