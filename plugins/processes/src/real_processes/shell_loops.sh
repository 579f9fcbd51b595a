# Leads a group that loads the CPU with busy loops, where stress-ng is missing. Its input has the form of stress_ng.sh's.

# Stops the loops for a part of each second, and kills them after a minute in case nothing else is left that could.
pace() {
    on=1 off=0
    if [ "$1" -lt 100 ]; then
        on=$(printf '0.%02d' "$1") off=$(printf '0.%02d' "$((100 - $1))")
    fi
    shift
    cycles=60
    while [ "$cycles" -gt 0 ]; do
        sleep "$on" || break
        if [ "$off" != 0 ]; then
            kill -s STOP "$@"
            sleep "$off" || break
            kill -s CONT "$@"
        fi
        cycles=$((cycles - 1))
    done
    kill -s KILL "$@"
}

running=
while read -r workers percent; do
    if [ -n "$running" ]; then
        # shellcheck disable=SC2086
        kill -s KILL $running
        wait
        running=
    fi
    if [ "$percent" -gt 0 ]; then
        loops=
        while [ "$workers" -gt 0 ]; do
            while :; do :; done &
            loops="$loops $!"
            workers=$((workers - 1))
        done
        # shellcheck disable=SC2086
        pace "$percent" $loops &
        running="$! $loops"
    fi
done
kill -s KILL 0
