# shellcheck shell=bash
# Words over promemu's own commands, for the users of user_population. manage.sh sources this file; docs/user-populations.md has
# examples.

readonly users_config=user_population
readonly users_rules=docker/prometheus/rules/user_population.yml
readonly users_test=docker/prometheus/tests/user_population.ron
readonly users_classes=(Baseline BlackFriday GradualRollout DisasterRecovery StressTest)
readonly results=test_results

# Sets the program: that of PROMEMU, or else it is built.
find_promemu() {
    program="${PROMEMU:-}"
    if [[ -n $program ]]; then return; fi
    build_plugins >/dev/null
    program="${CARGO_TARGET_DIR:-target}/release/promemu"
}

# Judges a class in virtual time, or runs it in a development stack.
run_simulate() {
    local class="${1:-}" place=''
    if [[ -z $class || $class == -* ]]; then wrong "simulate needs a class: ${users_classes[*]}"; fi
    shift
    case "${1:-}" in
        --docker | --local) place="$1" && shift ;;
    esac
    if [[ -z $place ]]; then
        find_promemu
        judge_class "$class" "$@"
        return
    fi
    if (($# > 0)); then wrong "simulate $place takes no more words: $*"; fi
    export PROMEMU_CONFIG="$users_config" PROMEMU_CLASS="$class" PROMEMU_CONFIG_ARGS=''
    if [[ $place == --local ]]; then run_stack start --dev --local; else run_stack start --dev; fi
}

# Judges a class; its report goes to a file, too.
judge_class() {
    local class="$1"
    shift
    mkdir -p "$results"
    "$program" test "$users_config" --class "$class" --rules "$users_rules" --html "$results/$class.html" "$@"
}

# Judges classes in one report, one after the other or at once; several but not all of them are a playlist.
run_scenarios() {
    local class items='' options=()
    for class in "$@"; do
        case "$class" in
            --concurrent) options+=(--parallel) ;;
            -*) wrong "scenarios does not know $class" ;;
            *) items+="Item(config: \"$users_config\", class: \"$class\"), " ;;
        esac
    done
    mkdir -p "$results"
    options+=(--rules "$users_rules" --html "$results/$users_config.html")
    find_promemu
    if [[ -z $items ]]; then
        "$program" test "$users_config" --all-classes "${options[@]}"
    else
        "$program" test - "${options[@]}" <<<"Playlist(items: [$items])"
    fi
}

# Judges the dashboards of users in virtual time, or measures them on a Prometheus.
run_dashboards() {
    local url file dashboards=()
    find_promemu
    case "${1:-}" in
        http://* | https://*)
            url="$1"
            shift
            for file in docker/grafana/dashboards/users_*.json; do dashboards+=(--dashboard "$file"); done
            "$program" test --live --prometheus "$url" "${dashboards[@]}" "$@"
            ;;
        *) "$program" test "$users_test" --rules "$users_rules" "$@" ;;
    esac
}

run_cardinality() {
    local url
    case "${1:-}" in
        http://* | https://*) url="$1" && shift ;;
        *)
            read_stack_settings no
            url="http://127.0.0.1:$PROMETHEUS_PORT"
            ;;
    esac
    find_promemu
    "$program" cardinality "$url" "$@"
}

# Checks all configs, and the files of the stack by the tools that are there.
run_validate() {
    if (($# > 0)); then wrong "validate takes no arguments: $*"; fi
    find_promemu
    "$program" check --all
    if have promtool; then
        promtool check rules docker/prometheus/rules/*.yml
        (cd docker/prometheus && promtool check config prometheus.yml)
    else
        say 'promtool is not installed, so the rules are not checked (Debian, Ubuntu: sudo apt-get install prometheus)'
    fi
    if have amtool; then amtool check-config docker/alertmanager/alertmanager.yml; fi
}

# Writes a config's samples as blocks of a Prometheus, unless options say otherwise.
run_export_data() {
    local name="$users_config" where=()
    if [[ -n ${1:-} && $1 != -* && $1 != *=* ]]; then name="$1" && shift; fi
    if [[ " $* " != *' --out'* && " $* " != *' -o '* && " $* " != *' --output'* ]]; then
        mkdir -p "$results"
        where=(--format blocks --out "$results/$(basename -- "$name" .ron)-blocks")
    fi
    find_promemu
    "$program" export "$name" ${where[@]+"${where[@]}"} "$@"
}
