#!/bin/bash
# An engine that sends nothing: it takes the control stream and says frames as the real one does.
#
#   engine.sh REPORT FRAMES MODE  then the arguments of an engine
#
# REPORT is the report it gives at its end; FRAMES is how many it says before it ends by itself (0: none
# but those until it is stopped); MODE is one of
#   good      obeys
#   dies      complains and ends with code 1 after its frames
#   deaf      hears no stop and no SIGTERM
#   babbles   says a line that is no frame
#
# It writes down its process number, its arguments and the lines it reads in the folder it works in.
report=$1 frames=$2 mode=$3
shift 3
printf '%s\n' "$@" >arguments
echo $$ >pid
while [ $# -gt 0 ]; do
    case $1 in
    --run-id) run=$2 ;;
    --agent) agent=$2 ;;
    --output) output=$2 ;;
    esac
    shift
done
[ "$mode" = deaf ] && trap '' TERM
[ "$mode" = good ] && trap 'finish 130' TERM

now_us() { echo "${EPOCHREALTIME/[.,]/}"; }

frame() {
    printf '{"schema":"acp.frame/1","run":"%s","agent":"%s","shard_count":1,"seq":%d,"second":%d,' \
        "$run" "$agent" "$seq" "$seq"
    printf '"flags":{"last":%s},"planned":10,"sent":10,"completed":10,"in_flight":0,' "$1"
    printf '"blocked":0,"connects":0,"disconnects":0,"bytes_sent":1,"bytes_received":1,'
    printf '"rate_target":10.0,"cpu_us":1,"steal_us":0}\n'
    seq=$((seq + 1))
}

finish() {
    frame true
    cp "$report" "$output"
    exit "$1"
}

seq=0 lease_end=
printf '{"schema":"acp.ready/1","run":"%s","open_connections":4}\n' "$run"
[ "$mode" = babbles ] && echo 'this is no frame'
while :; do
    if read -r -t 0.05 line; then
        echo "$(now_us) $line" >>lines
        case $line in
        *lease_us*)
            left=${line##*:}
            lease_end=$(($(now_us) + ${left%\}}))
            ;;
        *stop*) [ "$mode" = deaf ] || finish 130 ;;
        esac
    elif [ $? -gt 128 ]; then
        frame false
    elif [ "$mode" != deaf ]; then
        echo closed >>lines
        finish 130
    else
        sleep 0.05
    fi
    if [ -n "$lease_end" ] && [ "$(now_us)" -gt "$lease_end" ] && [ "$mode" != deaf ]; then
        echo over >>lines
        finish 130
    fi
    if [ "$frames" -gt 0 ] && [ "$seq" -ge "$frames" ]; then
        if [ "$mode" = dies ]; then
            echo 'something went very wrong' >&2
            exit 1
        fi
        finish 0
    fi
done
