#!/bin/sh
# The image's entry point. With neither arguments nor a config nor an address for the control API in the environment, it is a
# process simulator: the config processes, its metrics at METRICS_PORT, and the control API at CONTROL_PORT. Else it is promemu as it is.
set -eu

say() {
    if [ "${PME_LOG_FORMAT:-text}" = json ]; then
        printf '{"level":"WARN","message":"%s"}\n' "$1" >&2
    else
        printf '%s\n' "$1" >&2
    fi
}

if [ $# -eq 0 ] && [ -z "${PME_CONFIG:-}${PME_LISTEN:-}" ]; then
    export PME_CONFIG=processes
    if [ -z "${PME_OUTPUT:-}${PME_PUSHGATEWAY_URL:-}${PME_EMBEDDED:-}" ]; then
        export PME_OUTPUT="scrape=0.0.0.0:${METRICS_PORT:-8888}"
    fi
    if [ -n "${PME_API_TOKEN:-}${PME_API_TOKEN_FILE:-}" ]; then
        export PME_LISTEN="0.0.0.0:${CONTROL_PORT:-8090}"
    else
        export PME_LISTEN=off
        say 'no PME_API_TOKEN, so the control API is off, and there are metrics alone'
    fi
fi
exec promemu "$@"
