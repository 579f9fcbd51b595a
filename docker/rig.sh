# shellcheck shell=bash
# A real system to record: memcached servers behind proxies and under load, a small shop (nginx, a frontend, a backend and a
# PostgreSQL) that uses one of them as its cache, and the machine. What is done to it are the actions of the recording.
# manage.sh sources this file; docs/recording.md has examples. Names of small letters are set in stack.sh and by find_promemu.
# shellcheck disable=SC2154

# The ports of the rig behind RIG_PORT, by name.
rig_port() {
    case "$1" in
        postgres) say "$RIG_PORT" ;;
        backend) say "$((RIG_PORT + 1))" ;;
        frontend) say "$((RIG_PORT + 2))" ;;
        nginx) say "$((RIG_PORT + 3))" ;;
        nginx_exporter) say "$((RIG_PORT + 4))" ;;
        postgres_exporter) say "$((RIG_PORT + 5))" ;;
        node_exporter) say "$((RIG_PORT + 6))" ;;
    esac
}

readonly rig_packages=(memcached nginx-light postgresql prometheus-nginx-exporter prometheus-node-exporter
    prometheus-postgres-exporter python3-prometheus-client python3-psycopg2 python3-pymemcache)

has_rig_packages() {
    have memcached && have nginx && have prometheus-nginx-exporter && have prometheus-node-exporter &&
        have prometheus-postgres-exporter && [[ -n $(postgres_folder) ]] &&
        /usr/bin/python3 -c 'import prometheus_client, psycopg2, pymemcache' 2>/dev/null
}

need_rig_packages() {
    # Debian has nginx where only root looks.
    PATH="$PATH:/usr/sbin"
    if has_rig_packages || (can_apt && apt_install "${rig_packages[@]}" && has_rig_packages); then return; fi
    die 'packages are missing. Install them:' "  sudo apt-get install ${rig_packages[*]}"
}

# The programs of the newest PostgreSQL.
postgres_folder() {
    local folder newest=''
    for folder in /usr/lib/postgresql/*/bin; do
        if [[ -x $folder/postgres ]]; then newest="$folder"; fi
    done
    printf '%s' "$newest"
}

# Starts a PostgreSQL with data that end with the rig; root cannot run one, but the package's user can.
launch_postgres() {
    local programs as_user=()
    programs="$(postgres_folder)"
    rig_database="$(mktemp -d)"
    if ((EUID == 0)); then
        chown postgres: "$rig_database"
        as_user=(setpriv --reuid postgres --regid postgres --clear-groups)
    fi
    (cd / && "${as_user[@]}" "$programs/initdb" -D "$rig_database/data" -U promemu -A trust --no-sync) >"$stack_data/initdb.log" 2>&1 ||
        die "PostgreSQL cannot make a database; see $stack_data/initdb.log"
    launch rig_postgres "$(rig_port postgres)" '' "${as_user[@]}" "$programs/postgres" -D "$rig_database/data" -p "$(rig_port postgres)" \
        -c listen_addresses=127.0.0.1 -c unix_socket_directories= -c fsync=off
}

launch_shop() {
    local shop=docker/rig/shop.py python=/usr/bin/python3
    launch rig_backend "$(rig_port backend)" /health "$python" "$shop" backend --listen "$(rig_port backend)" \
        --cache "127.0.0.1:$PROXY1_PORT" --database "host=127.0.0.1 port=$(rig_port postgres) user=promemu dbname=postgres"
    launch rig_frontend "$(rig_port frontend)" /health "$python" "$shop" frontend --listen "$(rig_port frontend)" \
        --backend "http://127.0.0.1:$(rig_port backend)"
    mkdir -p "$stack_data/nginx"
    sed -e "s|DATA|$stack_data|" -e "s/NGINX_LISTEN/$(rig_port nginx)/" -e "s/FRONTEND_LISTEN/$(rig_port frontend)/" \
        docker/rig/nginx.conf >"$stack_data/nginx.conf"
    launch rig_nginx "$(rig_port nginx)" /nginx_status nginx -c "$stack_data/nginx.conf" -e stderr
    launch rig_clients "$(rig_port nginx)" '' "$python" "$shop" clients --url "http://127.0.0.1:$(rig_port nginx)"
}

launch_exporters() {
    launch rig_nginx_exporter "$(rig_port nginx_exporter)" /metrics prometheus-nginx-exporter \
        -web.listen-address "127.0.0.1:$(rig_port nginx_exporter)" -nginx.scrape-uri "http://127.0.0.1:$(rig_port nginx)/nginx_status"
    DATA_SOURCE_NAME="host=127.0.0.1 port=$(rig_port postgres) user=promemu dbname=postgres sslmode=disable" \
        launch rig_postgres_exporter "$(rig_port postgres_exporter)" /metrics prometheus-postgres-exporter \
        --web.listen-address "127.0.0.1:$(rig_port postgres_exporter)"
    launch rig_node_exporter "$(rig_port node_exporter)" /metrics prometheus-node-exporter \
        --web.listen-address "127.0.0.1:$(rig_port node_exporter)"
}

# What is recorded, as the sources of promemu record.
rig_sources() {
    local name
    printf '[\n'
    for name in load:$LOAD_PORT backend:$(rig_port backend) frontend:$(rig_port frontend) nginx:$(rig_port nginx_exporter) \
        postgres:$(rig_port postgres_exporter) node:$(rig_port node_exporter); do
        printf '    (name: "%s", scrape: ["http://127.0.0.1:%s"], interval: "1s", timeout: "1s"),\n' "${name%:*}" "${name#*:}"
    done
    printf ']\n'
}

end_rig() {
    end_launched
    if [[ -n ${rig_database:-} ]]; then rm -rf -- "$rig_database"; fi
}

# Records the system in a folder, for a time, while it is disturbed in three ways, each once in another time.
run_rig() {
    local folder="${1:-$results/rig}" length="${2:-10m}" every="${3:-1m}" name
    if (($# > 3)); then wrong "rig takes a folder and two times: $*"; fi
    if [[ -e $folder/manifest.json ]]; then die "$folder is a recording already. Name another folder: ./manage.sh rig FOLDER"; fi
    read_stack_settings no
    find_promemu
    need_rig_packages
    for name in "$LOAD_PORT" "$SCENARIO_PORT" $(seq "$RIG_PORT" "$((RIG_PORT + 6))"); do
        if is_taken "$name"; then
            die "something listens on port $name, which the rig needs." \
                'End it, or choose other ports: RIG_PORT, LOAD_PORT and SCENARIO_PORT in docker/.env, or as variables'
        fi
    done
    mkdir -p "$results" "$stack_data"
    # Read in resilience.sh.
    # shellcheck disable=SC2034
    if [[ ! -e $stack_data/local ]]; then is_stack_new=yes; fi
    trap end_rig EXIT
    start_servers
    launch_postgres
    launch_shop
    launch_exporters
    record_rig "$folder" "$length" "$every"
}

record_rig() {
    local folder="$1" length="$2" every="$3" name seed="${RIG_SEED:-$RANDOM}"
    rig_sources >"$stack_data/sources.ron"
    launch rig_load "$LOAD_PORT" /metrics "$program" run docker/rig/load.ron "servers=$(proxied)" "every=$every" --seed "$seed" \
        --output "scrape=127.0.0.1:$LOAD_PORT" --truth "$stack_data/rate.jsonl"
    launch rig_disturbances "$SCENARIO_PORT" /metrics "$program" run docker/rig/disturbances.ron \
        "proxy=http://127.0.0.1:$PROXY_PORT" "every=$every" --seed "$seed" \
        --output "scrape=127.0.0.1:$SCENARIO_PORT" --truth "$stack_data/disturbances.jsonl"
    "$program" record --sources "$stack_data/sources.ron" --for "$length" --out "$folder"
    # Actions that are on end with their runs.
    end_processes rig_disturbances rig_load
    for name in rate disturbances; do
        "$program" record action --truth-file "$stack_data/$name.jsonl" --out "$folder"
    done
    say "recorded in $folder, with the actions of RIG_SEED=$seed; to make a config of it:"
    say "  promemu fit $folder --out rig.ron"
}
