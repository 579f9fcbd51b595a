#!/usr/bin/env bash
# Tests the control API with requests generated from its OpenAPI description, valid and invalid ones: tests/schema.sh PROMEMU SCHEMATHESIS
# No answer may be a 5xx, or one that the description lacks. Streams never end, and a stopped run answers nothing more,
# so these are left out.
set -euo pipefail

readonly promemu="$1" schemathesis="$2"
work="$(mktemp -d)"
daemon=''

end() {
    if [[ -n $daemon ]]; then
        kill "$daemon" 2>/dev/null || true
        wait "$daemon" 2>/dev/null || true
    fi
    rm -rf -- "$work"
}
trap end EXIT

# The shell may look for the log before the daemon has opened it.
: >"$work/log"
"$promemu" --config hosts_load_with_peaks --config-args hosts_count=5 interval=1s metrics_interval=1s \
    --output "file=$work/metrics.prom" --listen 127.0.0.1:0 --log-format json 2>"$work/log" &
daemon=$!
url=''
for _ in {1..200}; do
    url="$(sed -n '/control API listens/s|.*\(http://[0-9.:]*\).*|\1|p' "$work/log")"
    if [[ -n $url ]] && grep -q '"message":"running' "$work/log"; then break; fi
    sleep 0.05
done
if [[ -z $url ]]; then
    cat "$work/log" >&2
    exit 1
fi

cd "$work"
"$schemathesis" run "$url/openapi.json" --phases examples,coverage,fuzzing --max-examples "${SCHEMA_EXAMPLES:-20}" --seed 1 \
    --checks not_a_server_error,status_code_conformance,content_type_conformance,response_schema_conformance,negative_data_rejection,unsupported_method \
    --exclude-path-regex '(/live|/events/stream)$' --exclude-operation-id stop_run --request-timeout 10 --no-color
kill -0 "$daemon"
