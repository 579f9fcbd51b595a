# shellcheck shell=bash
# Load on real memcached servers, with proxies between, and scenarios that disturb them. manage.sh sources this file;
# docs/memcached-load.md and docs/resilience.md have examples. Servers and proxies outlive a load: ./manage.sh stop ends them.
# Names of small letters are set in stack.sh and by find_promemu.
# shellcheck disable=SC2154

# The address at which a server's clients find it: that of its proxy.
proxied() {
    local server port list=''
    for server in "${resilience_servers[@]}"; do
        port="${server/memcache/PROXY}_PORT"
        list+="${list:+,}$server=127.0.0.1:${!port}"
    done
    printf '%s\n' "$list"
}

# The addresses of the runs that Prometheus scrapes.
resilience_addresses() {
    printf '%s\n' "127.0.0.1:$LOAD_PORT,127.0.0.1:$SCENARIO_PORT"
}

# Starts those of the servers and of their proxies that do not answer.
start_servers() {
    local server port listen list=''
    need_packages memcached
    mkdir -p "$stack_data"
    for server in "${resilience_servers[@]}"; do
        port="${server^^}_PORT"
        listen="${server/memcache/PROXY}_PORT"
        list+="${list:+,}"$'\n'"  { \"name\": \"$server\", \"listen\": \"127.0.0.1:${!listen}\","
        list+=" \"upstream\": \"127.0.0.1:${!port}\", \"enabled\": true }"
        if is_taken "${!port}"; then continue; fi
        : >"$stack_data/local"
        launch "$server" "${!port}" '' memcached -u "$(id -un)" -l 127.0.0.1 -U 0 -p "${!port}"
    done
    if is_taken "$PROXY_PORT"; then return; fi
    : >"$stack_data/local"
    printf '[%s\n]\n' "$list" >"$stack_data/proxies.json"
    launch proxy "$PROXY_PORT" /version "$program" proxy "$stack_data/proxies.json" --address "127.0.0.1:$PROXY_PORT" --metrics
}

# Puts load on the servers, through the proxies.
run_load() {
    read_stack_settings no
    find_promemu
    start_servers
    exec "$program" run memcached_load "servers=$(proxied)" "$@"
}

launch_load() {
    launch load "$LOAD_PORT" /metrics "$program" run memcached_load "servers=$(proxied)" \
        --output "scrape=$BIND:$LOAD_PORT"
}

# The servers, the proxies, the load and the scenarios of the local stack.
local_resilience() {
    start_servers
    launch_load
    launch scenarios "$SCENARIO_PORT" /metrics "$program" run resilience_suite rounds=forever \
        "proxy=http://127.0.0.1:$PROXY_PORT" --output "scrape=$BIND:$SCENARIO_PORT"
}

# True if Prometheus has seen the load.
has_load() {
    local answer
    exec 3<>"/dev/tcp/127.0.0.1/$PROMETHEUS_PORT" || return 1
    printf 'GET /api/v1/query?query=memcache_error_rate HTTP/1.0\r\n\r\n' >&3
    answer="$(cat <&3)"
    [[ $answer == *'"value":'* ]]
}

wait_for_load() {
    local tries
    for ((tries = 0; tries < 300; tries++)); do
        if (has_load) 2>/dev/null; then return; fi
        sleep 0.1
    done
    die "the Prometheus on port $PROMETHEUS_PORT does not scrape the load." \
        "Let it scrape $(resilience_addresses), or choose another port for one of its own: PROMETHEUS_PORT"
}

# Judges a scenario, or all, on what the clients of a load feel. Starts what is missing for it, and ends that again.
run_resilience() {
    local scenario=all words=()
    if [[ -n ${1:-} && $1 != -* && $1 != *=* ]]; then scenario="$1" && shift; fi
    if [[ $scenario == all ]]; then words=(resilience_suite); else words=(resilience --class "$scenario"); fi
    read_stack_settings no
    if is_taken "$SCENARIO_PORT"; then
        die "scenarios run already: something listens on port $SCENARIO_PORT." \
            'End them (./manage.sh stop), or choose another port: SCENARIO_PORT in docker/.env, or as a variable'
    fi
    find_promemu
    mkdir -p "$results" "$stack_data"
    if [[ ! -e $stack_data/local ]]; then is_stack_new=yes; fi
    trap end_launched EXIT
    start_servers
    if ! is_taken "$LOAD_PORT"; then launch_load; fi
    if ! is_taken "$PROMETHEUS_PORT"; then
        need_packages prometheus
        launch_prometheus none '' "$(resilience_addresses)"
    fi
    wait_for_load
    "$program" test "${words[@]}" "proxy=http://127.0.0.1:$PROXY_PORT" --live --prometheus "http://127.0.0.1:$PROMETHEUS_PORT" \
        --output "scrape=127.0.0.1:$SCENARIO_PORT" --step 1s --evaluation-interval 1s --html "$results/resilience_$scenario.html" "$@"
}

# Yes if no stack from packages was there before this script.
is_stack_new=no

# Ends what this script has started, the last one first.
end_launched() {
    local name reversed=()
    for name in ${launched[@]+"${launched[@]}"}; do reversed=("$name" ${reversed[@]+"${reversed[@]}"}); done
    end_processes ${reversed[@]+"${reversed[@]}"}
    if [[ $is_stack_new == yes ]]; then rm -f -- "$stack_data/local"; fi
}
