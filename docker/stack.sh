# shellcheck shell=bash
# The stack of this folder: in containers, or with --local from Debian's packages, with the same configuration files.
# manage.sh sources this file; docs/stack.md describes the stack.

readonly stack_profiles=(alerting otel load nginx redis resilience)
readonly resilience_servers=(memcache1 memcache2 memcache3)
# The processes of the profile resilience, in the order in which they end.
readonly resilience_processes=(scenarios load proxy "${resilience_servers[@]}")

# Exports the variables of docker/.env, and before them those of docker/dev.env for a development stack; variables of the shell
# override them.
read_stack_settings() {
    local is_dev="$1" name value file files=(docker/.env)
    if [[ $is_dev == yes ]]; then files=(docker/dev.env docker/.env); fi
    for file in "${files[@]}"; do
        while IFS='=' read -r name value; do
            if [[ $name =~ ^[A-Z][A-Z0-9_]*$ && -z ${!name+given} ]]; then export "$name=$value"; fi
        done <"$file"
    done
    stack_data="${STACK_DATA:-docker/data}"
    if [[ $is_dev == yes && -z ${STACK_DATA:-} ]]; then stack_data=docker/data-dev; fi
    if [[ $stack_data != /* ]]; then stack_data="$PWD/$stack_data"; fi
}

run_stack() {
    local command="$1" is_local=no is_sure=no is_dev=no names=()
    shift
    while (($# > 0)); do
        case "$1" in
            --local) is_local=yes ;;
            --dev) is_dev=yes ;;
            --yes) is_sure=yes ;;
            -*) wrong "$command does not know $1" ;;
            *) names+=("$1") ;;
        esac
        shift
    done
    # With set -u the older bash of macOS rejects a plain "${names[@]}" if it is empty.
    set -- ${names[@]+"${names[@]}"}
    check_names "$command" "$@"
    read_stack_settings "$is_dev"
    # A stack started with --local stays local until its data are deleted.
    if [[ -e $stack_data/local && $is_local == no ]]; then
        if [[ $command == start ]]; then
            die "$stack_data belongs to a stack from packages. Start that again: ./manage.sh start --local," \
                'or delete it first: ./manage.sh cleanup'
        fi
        is_local=yes
    fi
    if [[ $command == cleanup ]]; then be_sure "$is_sure"; fi
    if [[ $command == start && $is_dev == yes ]]; then
        set -- alerting "$@"
        # Debian does not package the Collector.
        if [[ $is_local == no ]]; then set -- otel "$@"; fi
    fi
    if [[ $is_local == yes ]]; then
        "local_$command" "$@"
    else
        find_compose
        "docker_$command" "$@"
    fi
}

check_names() {
    local command="$1" name
    shift
    for name in "$@"; do
        case "$command" in
            start | restart)
                if [[ " ${stack_profiles[*]} " != *" $name "* ]]; then
                    wrong "unknown profile $name; expected one of ${stack_profiles[*]}"
                fi
                ;;
            logs) ;;
            *) wrong "$command takes no names: $name" ;;
        esac
    done
}

be_sure() {
    local answer
    if [[ $1 == yes ]]; then return; fi
    if [[ ! -t 0 ]]; then die "cleanup deletes the stack's data; confirm with --yes"; fi
    read -r -p "This deletes all of the stack's data. Go on? [y/N] " answer
    if [[ $answer != [yY]* ]]; then die 'nothing was deleted'; fi
}

readonly token_hint='(token: PROMEMU_API_TOKEN in docker/.env)'

show_urls() {
    if has_pushgateway; then say "  Pushgateway   http://$BIND:$PUSHGATEWAY_PORT"; fi
    say "  Prometheus    http://$BIND:$PROMETHEUS_PORT"
    if [[ $1 == docker ]]; then say "  Grafana       http://$BIND:$GRAFANA_PORT"; fi
    say "  promemu       http://$BIND:$PROMEMU_API_PORT, its own metrics at http://$BIND:$PROMEMU_PORT/metrics"
    say "                $token_hint"
    if [[ -n $EMULATED_ADDRESS ]]; then say "  its metrics   http://$BIND:$EMULATED_PORT/metrics"; fi
    if [[ " $2 " == *' resilience '* ]]; then
        say "  load          http://$BIND:$LOAD_PORT/metrics"
        say "  scenarios     http://$BIND:$SCENARIO_PORT/metrics"
        say "  proxies       http://$BIND:$PROXY_PORT/proxies"
    fi
    if [[ " $2 " == *' otel '* ]]; then say "  Collector     http://$BIND:$OTLP_HTTP_PORT"; fi
    if [[ " $2 " == *' alerting '* ]]; then say "  Alertmanager  http://$BIND:$ALERTMANAGER_PORT"; fi
}

has_pushgateway() {
    [[ $PUSHGATEWAY_ADDRESS != none ]]
}

# In containers.

find_compose() {
    local instead='or run the stack from packages: ./manage.sh start --local'
    if docker compose version >/dev/null 2>&1; then
        compose=(docker compose)
    elif have docker-compose; then
        # Version 1 builds without BuildKit by default.
        export DOCKER_BUILDKIT=1 COMPOSE_DOCKER_CLI_BUILD=1
        compose=(docker-compose)
    else
        die 'Docker Compose is needed. Install it (https://docs.docker.com/compose/install/),' "$instead"
    fi
    compose+=(--env-file docker/.env -f docker/compose.yaml)
}

need_docker() {
    if ! docker info >/dev/null 2>&1; then
        die 'Docker does not answer. Start it, get permission to use it,' \
            'or run the stack from packages: ./manage.sh start --local'
    fi
}

on_all() {
    local name profiles=(--profile push)
    for name in "${stack_profiles[@]}"; do profiles+=(--profile "$name"); done
    "${compose[@]}" "${profiles[@]}" "$@"
}

docker_start() {
    local name profiles=()
    need_docker
    for name in ${COMPOSE_PROFILES//,/ } "$@"; do profiles+=(--profile "$name"); done
    if [[ " $* " == *' resilience '* ]]; then export RESILIENCE_ADDRESSES=load:9090,scenarios:9091; fi
    if ! "${compose[@]}" ${profiles[@]+"${profiles[@]}"} up -d --build; then
        die 'The stack did not start. If a port is in use, choose another one in docker/.env or as a variable.'
    fi
    say 'the stack is starting:'
    show_urls docker "$*"
}

docker_stop() {
    need_docker
    on_all stop
}

# Prints the profiles of the running services, one a line.
profiles_up() {
    local services
    services=" $(on_all ps --services --filter status=running | tr '\n' ' ') "
    if [[ $services == *' alertmanager '* ]]; then echo alerting; fi
    if [[ $services == *' collector '* ]]; then echo otel; fi
    if [[ $services == *' nginx '* ]]; then echo nginx; fi
    if [[ $services == *' redis '* ]]; then echo redis; fi
    if [[ $services == *' toxiproxy '* ]]; then echo resilience; fi
}

docker_restart() {
    need_docker
    # shellcheck disable=SC2046
    if (($# == 0)); then set -- $(profiles_up); fi
    docker_stop
    docker_start "$@"
}

docker_status() {
    need_docker
    on_all ps
    show_urls docker alerting
}

docker_logs() {
    need_docker
    on_all logs --tail 100 "$@"
}

docker_config() {
    on_all config
}

# Stops the stack meanwhile, so that the backup is consistent.
docker_backup() {
    local volume target profiles
    need_docker
    profiles="$(profiles_up)"
    target="$PWD/docker/backups/$(date -u +%Y%m%d-%H%M%S)"
    mkdir -p "$target"
    on_all stop
    for volume in pushgateway prometheus grafana alertmanager; do
        if docker volume inspect "${COMPOSE_PROJECT_NAME}_$volume" >/dev/null 2>&1; then
            docker run --rm -v "${COMPOSE_PROJECT_NAME}_$volume:/from:ro" -v "$target:/to" busybox:1.37.0 \
                tar -czf "/to/$volume.tar.gz" -C /from .
        fi
    done
    say "backup written to $target"
    # shellcheck disable=SC2086
    docker_start $profiles
}

docker_cleanup() {
    need_docker
    on_all down --volumes --remove-orphans
}

# From packages. A process is identified by its id and start time, so no other process is ever ended.

began() {
    local stat
    stat="$(cat "/proc/$1/stat" 2>/dev/null)" || return 0
    # proc(5): the 22nd field; the name, an earlier field, may contain blanks.
    read -ra stat <<<"${stat##*) }"
    printf '%s' "${stat[19]}"
}

is_up() {
    local pid='' moment=''
    if [[ -r $stack_data/$1.pid ]]; then read -r pid moment <"$stack_data/$1.pid" || true; fi
    [[ -n $pid && -n $moment && $(began "$pid") == "$moment" ]]
}

# True if a page answers with 200.
answers() {
    local line=''
    exec 3<>"/dev/tcp/127.0.0.1/$1" || return 1
    printf 'GET %s HTTP/1.0\r\n\r\n' "$2" >&3
    read -r -t 5 line <&3 || true
    exec 3>&-
    [[ $line == *' 200 '* ]]
}

# True if something listens on the port.
is_taken() {
    (exec 3<>"/dev/tcp/127.0.0.1/$1") 2>/dev/null
}

need_port() {
    local name="$1" variable="$2"
    if ! is_up "$name" && is_taken "${!variable}"; then
        die "port ${!variable} of $name is in use." \
            "Stop the process that listens there, or choose another port: $variable in docker/.env, or as a variable"
    fi
}

# The processes that this script has started, in their order.
launched=()

# Starts a detached process and waits until its page answers.
launch() {
    local name="$1" port="$2" page="$3" pid tries
    shift 3
    if is_up "$name"; then
        say "$name is running"
        return
    fi
    setsid nohup "$@" </dev/null >"$stack_data/$name.log" 2>&1 &
    pid=$!
    launched+=("$name")
    printf '%s %s\n' "$pid" "$(began "$pid")" >"$stack_data/$name.pid"
    for ((tries = 0; tries < 300; tries++)); do
        # Without a page it is enough that it listens.
        if [[ -z $page ]] && is_taken "$port"; then return; fi
        if [[ -n $page ]] && (answers "$port" "$page") 2>/dev/null; then return; fi
        if [[ -z $(began "$pid") ]]; then break; fi
        sleep 0.1
    done
    tail -n 20 "$stack_data/$name.log" >&2
    die "$name does not answer on port $port; see $stack_data/$name.log, and stop the others with ./manage.sh stop"
}

# Installs those of the packages that are missing. They have the names of their programs.
need_packages() {
    local name missing=()
    for name in "$@"; do
        if ! have "$name"; then missing+=("$name"); fi
    done
    if ((${#missing[@]} == 0)); then return; fi
    if can_apt && apt_install "${missing[@]}"; then return; fi
    die 'these packages are missing. Install them:' "  sudo apt-get install ${missing[*]}"
}

# Starts a Prometheus that scrapes a Pushgateway, emulated metrics and runs of resilience, as far as it is given their addresses.
launch_prometheus() {
    PROMETHEUS_DATA="$stack_data/prometheus" PROMETHEUS_LISTEN="$BIND:$PROMETHEUS_PORT" \
        PROMETHEUS_ADDRESS="127.0.0.1:$PROMETHEUS_PORT" PUSHGATEWAY_ADDRESS="$1" EMULATED_ADDRESS="$2" \
        ALERTMANAGER_ADDRESS="127.0.0.1:$ALERTMANAGER_PORT" PROMEMU_ADDRESS="127.0.0.1:$PROMEMU_PORT" \
        RESILIENCE_ADDRESSES="$3" \
        launch prometheus "$PROMETHEUS_PORT" /-/ready docker/prometheus/start.sh
}

local_start() {
    local program="${PROMEMU:-}" profile resilience=''
    for profile in "$@"; do
        if [[ $profile != alerting && $profile != resilience ]]; then die "the profile $profile needs containers; start it without --local"; fi
    done
    need_packages prometheus prometheus-pushgateway
    if [[ " $* " == *' alerting '* ]]; then need_packages prometheus-alertmanager; fi
    if has_pushgateway; then need_port pushgateway PUSHGATEWAY_PORT; fi
    need_port prometheus PROMETHEUS_PORT
    need_port promemu PROMEMU_PORT
    need_port promemu PROMEMU_API_PORT
    if [[ -n $EMULATED_ADDRESS ]]; then need_port promemu EMULATED_PORT; fi
    if [[ " $* " == *' alerting '* ]]; then need_port alertmanager ALERTMANAGER_PORT; fi
    if [[ " $* " == *' resilience '* ]]; then
        need_port load LOAD_PORT
        need_port scenarios SCENARIO_PORT
        resilience="$(resilience_addresses)"
    fi
    if [[ -z $program ]]; then
        build_plugins >/dev/null
        program="${CARGO_TARGET_DIR:-target}/release/promemu"
    fi
    mkdir -p "$stack_data"
    : >"$stack_data/local"
    local gateway=none emulated='' output="$PROMEMU_OUTPUT"
    if has_pushgateway; then
        gateway="127.0.0.1:$PUSHGATEWAY_PORT"
        launch pushgateway "$PUSHGATEWAY_PORT" /-/ready prometheus-pushgateway \
            --web.listen-address="$BIND:$PUSHGATEWAY_PORT" --persistence.file="$stack_data/pushgateway.metrics" \
            --push.disable-consistency-check
    fi
    if [[ -n $EMULATED_ADDRESS ]]; then
        emulated="127.0.0.1:$EMULATED_PORT"
        output="${output/0.0.0.0:8001/$BIND:$EMULATED_PORT}"
    fi
    if [[ " $* " == *' alerting '* ]]; then
        launch alertmanager "$ALERTMANAGER_PORT" /-/ready prometheus-alertmanager \
            --web.listen-address="$BIND:$ALERTMANAGER_PORT" --cluster.listen-address= \
            --config.file=docker/alertmanager/alertmanager.yml --storage.path="$stack_data/alertmanager"
    fi
    launch_prometheus "$gateway" "$emulated" "$resilience"
    PME_CONFIG="$PROMEMU_CONFIG" PME_CLASS="$PROMEMU_CLASS" PME_CONFIG_ARGS="$PROMEMU_CONFIG_ARGS" PME_CONFIGS_DIR=configs \
        PME_OUTPUT="$output" PME_PUSHGATEWAY_URL="http://127.0.0.1:$PUSHGATEWAY_PORT" \
        PME_PUSH_INTERVAL="$PUSH_INTERVAL" PME_SELF_METRICS_ADDRESS="$BIND:$PROMEMU_PORT" \
        PME_LISTEN="$BIND:$PROMEMU_API_PORT" PME_API_TOKEN="$PROMEMU_API_TOKEN" \
        launch promemu "$PROMEMU_PORT" /metrics "$program"
    if [[ -n $resilience ]]; then local_resilience; fi
    say 'the stack is running (without Grafana, which needs containers):'
    show_urls local "$*"
}

# Ends processes, one after the other.
end_processes() {
    local name pid tries
    for name in "$@"; do
        if is_up "$name"; then
            read -r pid _ <"$stack_data/$name.pid"
            kill "$pid"
            for ((tries = 0; tries < 300; tries++)); do
                if ! is_up "$name"; then break; fi
                sleep 0.1
            done
            if is_up "$name"; then kill -KILL "$pid"; fi
            say "$name has ended"
        fi
        rm -f -- "$stack_data/$name.pid"
    done
}

# promemu goes first, as it deletes its groups from the Pushgateway.
local_stop() {
    end_processes promemu "${resilience_processes[@]}" prometheus alertmanager pushgateway
}

local_restart() {
    if (($# == 0)); then
        if is_up alertmanager; then set -- alerting; fi
        if is_up load; then set -- "$@" resilience; fi
    fi
    local_stop
    local_start "$@"
}

local_status() {
    local name variable state is_all_up=yes
    for name in promemu pushgateway prometheus alertmanager; do
        if [[ $name == pushgateway ]] && ! has_pushgateway; then continue; fi
        variable="${name^^}_PORT"
        state='not running'
        if [[ $name == promemu ]]; then variable=PROMEMU_API_PORT; fi
        if is_up "$name"; then state="running   http://$BIND:${!variable}"; fi
        if [[ $state == running* && $name == promemu ]]; then state+=" $token_hint"; fi
        # The Alertmanager is optional.
        if [[ $state == 'not running' && $name != alertmanager ]]; then is_all_up=no; fi
        printf '%-13s %s\n' "$name" "$state"
    done
    for name in "${resilience_processes[@]}"; do
        if is_up "$name"; then printf '%-13s %s\n' "$name" running; fi
    done
    [[ $is_all_up == yes ]]
}

local_logs() {
    local name known=(promemu pushgateway prometheus alertmanager "${resilience_processes[@]}") names=()
    for name in "$@"; do
        if [[ " ${known[*]} " != *" $name "* ]]; then wrong "there are no logs of $name; there are those of ${known[*]}"; fi
        if [[ ! -r $stack_data/$name.log ]]; then die "$name has no log yet; it has not been started"; fi
        names+=("$name")
    done
    if (($# == 0)); then
        for name in "${known[@]}"; do
            if [[ -r $stack_data/$name.log ]]; then names+=("$name"); fi
        done
    fi
    if ((${#names[@]} == 0)); then die 'there are no logs yet; start the stack first'; fi
    for name in "${names[@]}"; do
        say "== $name"
        tail -n 100 "$stack_data/$name.log"
    done
}

local_config() {
    local name
    for name in BIND PUSHGATEWAY_PORT PROMETHEUS_PORT ALERTMANAGER_PORT PROMEMU_PORT PROMEMU_API_PORT SCRAPE_INTERVAL RETENTION \
        PUSH_INTERVAL EMULATED_PORT PROXY_PORT LOAD_PORT SCENARIO_PORT PROMEMU_CONFIG PROMEMU_CLASS PROMEMU_CONFIG_ARGS PROMEMU_OUTPUT PROMEMU_API_TOKEN; do
        say "$name=${!name}"
    done
    say "data: $stack_data"
    if [[ -r $stack_data/prometheus/prometheus.yml ]]; then cat "$stack_data/prometheus/prometheus.yml"; fi
}

local_backup() {
    local target names=()
    for name in promemu pushgateway prometheus alertmanager; do
        if is_up "$name"; then names+=("$name"); fi
    done
    if [[ ! -d $stack_data ]]; then die 'there is nothing to back up; start the stack first'; fi
    mkdir -p docker/backups
    target="$PWD/docker/backups/$(date -u +%Y%m%d-%H%M%S).tar.gz"
    # The stack stops meanwhile, so that the backup is consistent.
    if ((${#names[@]} > 0)); then local_stop; fi
    tar -czf "$target" -C "$stack_data" .
    say "backup written to $target"
    if [[ " ${names[*]} " == *' alertmanager '* ]]; then
        local_start alerting
    elif ((${#names[@]} > 0)); then
        local_start
    fi
}

local_cleanup() {
    local_stop
    rm -rf -- "$stack_data"
    say "$stack_data is deleted"
}
