# Loads the CPU with busy loops, where stress-ng is missing.

pause() {
    sleep "$1" &
    sleeper=$!
    wait "$sleeper"
}

# Stops the loops for a part of each second, and kills them after a minute in case nothing else is left that could.
pace() {
    sleeper=
    trap 'kill -s KILL $sleeper; wait; exit' TERM
    on=1 off=0
    if [ "$1" -lt 100 ]; then
        on=$(printf '0.%02d' "$1") off=$(printf '0.%02d' "$((100 - $1))")
    fi
    shift
    cycles=60
    while [ "$cycles" -gt 0 ]; do
        pause "$on" || break
        if [ "$off" != 0 ]; then
            kill -s STOP "$@"
            pause "$off" || break
            kill -s CONT "$@"
        fi
        cycles=$((cycles - 1))
    done
    kill -s KILL "$@"
}

start_load() {
    loops= workers=$1
    while [ "$workers" -gt 0 ]; do
        while :; do :; done 8>&- 9<&- &
        loops="$loops $!"
        workers=$((workers - 1))
    done
    # shellcheck disable=SC2086
    pace "$2" $loops 8>&- 9<&- &
    running=$!
}

stop_load() {
    if [ -n "$running" ]; then
        kill -s TERM "$running"
        kill -s CONT "$running"
        wait "$running"
        # shellcheck disable=SC2086
        kill -s KILL $loops
        # shellcheck disable=SC2086
        wait $loops
        running=
    fi
}

