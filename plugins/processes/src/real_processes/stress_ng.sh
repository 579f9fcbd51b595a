# Leads a group that loads the CPU with stress-ng, whose path is $1. Each line of the input is a new load: the number of
# workers, and the percent of a core that each uses. When the input ends, the script kills the whole group; the kernel
# closes the input when promemu ends in any way.
cd "${TMPDIR:-/tmp}" || cd /
running=
while read -r workers percent; do
    if [ -n "$running" ]; then
        kill -s TERM "$running"
        kill -s CONT "$running"
        wait "$running"
        running=
    fi
    if [ "$percent" -gt 0 ]; then
        # The timeout ends the load in case nothing else is left that could.
        "$1" --quiet --timeout 60s --cpu "$workers" --cpu-method loop --cpu-load "$percent" &
        running=$!
    fi
done
kill -s KILL 0
