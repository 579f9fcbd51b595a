# Leads a group. Each line of the input is a request: `cpu WORKERS PERCENT` is a new load, in percent of a core for each worker, and
# `memory BYTES` is the memory to hold. When the input ends, the script ends the whole group; the kernel closes the input when promemu
# ends in any way. Output and errors are the two ends of a pipe that nobody reads.

cd "${TMPDIR:-/tmp}" || cd /
exec 8>&1 9<&2 >/dev/null 2>/dev/null
program=$1 dd=$2 running='' holder=''
# The kernel ends these processes first when memory is short.
echo 1000 >/proc/self/oom_score_adj

free_memory() {
    if [ -n "$holder" ]; then
        kill -s KILL "$holder"
        wait "$holder"
        holder=
    fi
}

# dd reads a block, and then waits for a place in the pipe; it ends when the pipe's other end is closed, which only this shell has.
hold_memory() {
    "$dd" if=/dev/zero bs="$1" count=1 >&8 8>&- 9<&- &
    holder=$!
}

while read -r request first second; do
    case $request in
        cpu)
            stop_load
            [ "$second" -eq 0 ] || start_load "$first" "$second"
            ;;
        memory)
            free_memory
            [ "$first" -eq 0 ] || hold_memory "$first"
            ;;
    esac
done
# A group that waits for its own children leaves no orphans.
stop_load
free_memory
kill -s KILL 0
