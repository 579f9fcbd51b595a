# Leads a group that loads the CPU by stress-ng, whose path is $1. Each line of the input says how many workers
# there are to be, and how many percent of a core each is to use. When the input ends, so does the whole group: that
# comes by itself when promemu ends, however it does.
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
        # The timeout is for the case that nobody is left who could end it.
        "$1" --quiet --timeout 60s --cpu "$workers" --cpu-method loop --cpu-load "$percent" &
        running=$!
    fi
done
kill -s KILL 0
