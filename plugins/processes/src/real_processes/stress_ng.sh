# Loads the CPU with stress-ng, whose path is $program.

start_load() {
    # The timeout ends the load in case nothing else is left that could.
    "$program" --quiet --timeout 60s --cpu "$1" --cpu-method loop --cpu-load "$2" 8>&- 9<&- &
    running=$!
}

stop_load() {
    if [ -n "$running" ]; then
        kill -s TERM "$running"
        kill -s CONT "$running"
        wait "$running"
        running=
    fi
}

