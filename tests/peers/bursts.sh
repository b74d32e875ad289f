# Sourced after orders.sh: many jobs at once, and what becomes of each of them. Workers write journals (see burst.c).
# shellcheck shell=sh

BURST=$BUILD/tests/peers/peer_burst

# burst ADDRESS KIND COUNT [TENANT]: starts so many; their keys go into $WORK/keys.KIND.
burst() {
    timeout 120 "$BURST" create "$@" >"$WORK/keys.$2" 2>"$WORK/err" || { FAIL "$p burst $2" "$(head -1 "$WORK/err")"; return 1; }
}

count_of() { # WORD FILE: of lines that begin with it
    [ -f "$2" ] && grep -c "^$1 " "$2" || echo 0
}
at_least() { [ "$(count_of "$2" "$3")" -ge "$1" ]; } # COUNT WORD FILE

# all_settled ADDRESS KIND: each instance has ended, so each job was completed.
all_settled() { timeout 60 "$BURST" gone "$1" <"$WORK/keys.$2" >"$WORK/gone.$2" 2>&1; }

# started_once COUNT JOURNAL...: so many of the jobs were started at least once; cheap to ask.
started_once() {
    wanted=$1
    shift
    [ "$(cat "$@" 2>/dev/null | awk '$1 == "start" && NF == 5 { seen[$3] = 1 } END { print length(seen) }')" -ge "$wanted" ]
}

# verdict PREFIX ADDRESS KIND COUNT JOURNAL...: none lost, none started again under a lock.
verdict() {
    name="$1 each job is handled, none lost, twice only after its lock" verdict_at=$2 kind=$3 wanted=$4
    shift 4
    until_true 120 started_once "$wanted" "$@" && until_true 60 all_settled "$verdict_at" "$kind"
    if ! said=$(python3 "$HERE/burst/verdict.py" "$wanted" "$@"); then
        FAIL "$name" "$said"
    elif ! all_settled "$verdict_at" "$kind"; then
        FAIL "$name" "$said; $(tail -3 "$WORK/gone.$kind" | tr '\n' ' ')"
    else
        ok "$name ($said)"
    fi
}

# ---- workers --------------------------------------------------------------------------------------------------------------

# Their process in STARTED, what they print in $WORK/worker.PID, their journal in $WORK/journal.NAME.
library_works() { # NAME ADDRESS KIND [SETTING...]
    journal=$WORK/journal.$1 library_at=$2 kind=$3
    shift 3
    worker "$BURST" work "$library_at" "$kind" "$journal" "$@"
}
program_works() { # NAME ADDRESS KIND "PAUSE_MS [GATE BEFORE]" [flag...]
    coprocess="python3 $HERE/burst/coprocess.py $WORK/journal.$1 $4" program_at=$2 kind=$3
    shift 4
    work "$kind" --address "$program_at" --coprocess "$coprocess" -o json "$@"
}

# ended NAME PID: asks it to end, which it must do with 0.
ended() {
    kill -TERM "$2" 2>/dev/null
    wait "$2" && status=0 || status=$?
    [ "$status" = 0 ] && ok "$1" || FAIL "$1" "ended with $status: $(tail -2 "$WORK/worker.$2" | tr '\n' ' ')"
}

counter() { # NAME PID: of the counters that a library worker printed at its end
    tail -1 "$WORK/worker.$2" | json "a['$1']"
}

# ---- checks ---------------------------------------------------------------------------------------------------------------

# A job arrives on a stream, with no poll at all.
stream_alone() { # PREFIX ADDRESS
    library_works stream "$2" stream stream_only=1
    library=$STARTED
    until_true 60 pushed "$2" stream && ok "$1 a job is pushed to a worker that never polls" ||
        FAIL "$1 a job is pushed to a worker that never polls" "none in 60 s: $(tail -2 "$WORK/worker.$library" | tr '\n' ' ')"
    ended "$1 a worker that streams ends with 0" "$library"
    [ "$(counter polls "$library")" = 0 ] && [ "$(counter streamed "$library")" -ge 1 ] && ok "$1 and has never polled" ||
        FAIL "$1 and has never polled" "$(tail -1 "$WORK/worker.$library")"
}
# A job that comes before the stream is there stays where it is: so one after the other is started, until one is pushed.
pushed() { # ADDRESS KIND
    burst "$1" "$2" 1
    until_true 1 at_least 1 start "$WORK/journal.$2"
}

# activated ADDRESS KIND COUNT: how many somebody else is given at once, and with how many tries.
activated() {
    theirs "$1" ActivateJobs -plaintext -d "{\"type\": \"$2\", \"worker\": \"another\", \"timeout\": 1000,
        \"maxJobsToActivate\": $3, \"requestTimeout\": -1}" | tr -d '\n' | sed 's/}{/,/g' |
        grep -o '"retries": *[0-9]*' | sort | uniq -c | tr -s ' \n' ' '
}

# 50 in hand, one at a time, a lock of 5 minutes: SIGTERM, and somebody else is given all that was not begun, with as many tries.
handed_back() { # PREFIX ADDRESS
    burst "$2" back 50 || return
    program_works back "$2" back 1500 --concurrency 1 --max-jobs-active 50 --poll-only
    program=$STARTED
    until_true 60 at_least 2 start "$WORK/journal.back" || FAIL "$1 a worker with 50 jobs" "$(tail -1 "$WORK/worker.$program")"
    ended "$1 SIGTERM in the middle of 50 jobs ends with 0" "$program"
    left=$((50 - $(count_of start "$WORK/journal.back")))
    got=$(activated "$2" back 50)
    [ "$got" = " $left \"retries\": 3 " ] && ok "$1 the $left that were not begun are handed back, with as many tries" ||
        FAIL "$1 the $left that were not begun are handed back, with as many tries" "others are given '$got'"
}

# The poll that waits at the gateway goes with the worker: a job that comes after it is somebody else's.
poll_cancelled() { # PREFIX ADDRESS
    library_works idle "$2" idle poll_only=1 lock=300000
    library=$STARTED
    until_true 30 waits_long "$2" || FAIL "$1 an idle worker" "it takes no job"
    began=$(date +%s)
    ended "$1 a worker whose poll waits ends" "$library"
    [ $(($(date +%s) - began)) -lt 8 ] && ok "$1 without waiting for the end of its poll" ||
        FAIL "$1 without waiting for the end of its poll" "it took $(($(date +%s) - began)) s"
    burst "$2" idle 1
    until_true 10 given "$2" idle && ok "$1 no job goes to the poll of a worker that has ended" ||
        FAIL "$1 no job goes to the poll of a worker that has ended" "nobody else is given it"
}
waits_long() { # it has handled one, so the next poll is on its way
    burst "$1" idle 1 && until_true 2 at_least 1 start "$WORK/journal.idle"
}
given() { [ -n "$(activated "$1" "$2" 1)" ]; }

# Killed in the middle of 200 jobs; another one finishes what the locks of the first give back.
killed() { # PREFIX ADDRESS
    burst "$2" dead 200 && burst "$2" deadp 200 || return
    library_works dead "$2" dead max=200 threads=2 lock=10000 pause=20
    library=$STARTED
    program_works deadp "$2" deadp 10 --max-jobs-active 200 --timeout 10s
    program=$STARTED
    until_true 60 at_least 40 start "$WORK/journal.dead" && until_true 60 at_least 40 start "$WORK/journal.deadp" ||
        FAIL "$1 workers to be killed" "$(tail -1 "$WORK/worker.$library") $(tail -1 "$WORK/worker.$program")"
    kill -9 "$library" "$program" 2>/dev/null
    before=$(count_of start "$WORK/journal.dead")
    [ "$before" -lt 200 ] && ok "$1 kill -9 of workers in the middle of 200 jobs" || FAIL "$1 kill -9 in the middle" "$before of 200 were started"
    library_works dead2 "$2" dead max=200 threads=2 lock=10000
    library=$STARTED
    program_works dead2p "$2" deadp 0 --max-jobs-active 200 --timeout 10s
    program=$STARTED
    verdict "$1 kill -9 of a program of the library:" "$2" dead 200 "$WORK/journal.dead" "$WORK/journal.dead2"
    verdict "$1 kill -9 of the command:" "$2" deadp 200 "$WORK/journal.deadp" "$WORK/journal.dead2p"
    ended "$1 the worker that took over ends with 0" "$library"
    ended "$1 the command that took over ends with 0" "$program"
}

# The broker is started anew while two workers hold hundreds of jobs each, and a third one only streams.
restarted() { # PREFIX ADDRESS VERSION
    gate=$WORK/gate.$BROKER_PORT
    library_works again "$2" again max=500 threads=4 lock=60000 "gate=$gate" before=100
    library=$STARTED
    program_works againp "$2" againp "0 $gate 100" --max-jobs-active 500 --timeout 60s
    program=$STARTED
    library_works restream "$2" restream stream_only=1
    streamer=$STARTED
    burst "$2" again 500 && burst "$2" againp 500 || return
    until_true 60 at_least 100 start "$WORK/journal.again" && until_true 60 at_least 100 start "$WORK/journal.againp"
    in_the_middle "$1 library:" again
    in_the_middle "$1 command:" againp
    restart_broker "$3"
    touch "$gate"
    broker_up "$1" -plaintext || return
    verdict "$1 a broker that is started anew, library:" "$2" again 500 "$WORK/journal.again"
    verdict "$1 a broker that is started anew, command:" "$2" againp 500 "$WORK/journal.againp"
    until_true 60 pushed "$2" restream && ok "$1 the stream is opened again" ||
        FAIL "$1 the stream is opened again" "no job in 60 s: $(tail -2 "$WORK/worker.$streamer" | tr '\n' ' ')"
    ended "$1 the worker has lived through it" "$library"
    ended "$1 the command has lived through it" "$program"
    ended "$1 the worker that streams has lived through it" "$streamer"
    [ "$(counter streams "$streamer")" -ge 2 ] && [ "$(counter polls "$streamer")" = 0 ] && ok "$1 by a second stream" ||
        FAIL "$1 by a second stream" "$(tail -1 "$WORK/worker.$streamer")"
}
in_the_middle() { # NAME KIND
    begun=$(count_of start "$WORK/journal.$2")
    [ "$begun" -gt 0 ] && [ "$begun" -lt 500 ] && ok "$1 the broker goes in the middle of 500 jobs" ||
        FAIL "$1 the broker goes in the middle of 500 jobs" "$begun were begun"
}

# A broker that takes one request at a time, and refuses the others: slower, and nothing is lost.
back_pressure() { # VERSION
    p="workers, zeebe $1 under pressure:"
    has "$p" everything "$1" || return
    start_broker "$1" ZEEBE_BROKER_BACKPRESSURE_ALGORITHM=fixed ZEEBE_BROKER_BACKPRESSURE_FIXED_LIMIT=1
    broker_up "$p" -plaintext || return
    at=127.0.0.1:$BROKER_PORT
    deploy "$at" "$HERE/burst/burst.bpmn" || return
    burst "$at" pressed 100 && burst "$at" pressedp 100 || return
    library_works pressed "$at" pressed max=64 threads=8
    library=$STARTED
    program_works pressedp "$at" pressedp 0 --max-jobs-active 64
    program=$STARTED
    verdict "$p library:" "$at" pressed 100 "$WORK/journal.pressed"
    verdict "$p command:" "$at" pressedp 100 "$WORK/journal.pressedp"
    ended "$p the worker goes on" "$library"
    ended "$p the command goes on" "$program"
    refused=$(dropped "$BROKER_HTTP")
    [ "${refused:-0}" -gt 0 ] && ok "$p the broker did refuse ($refused requests)" || FAIL "$p the broker did refuse" "not one request"
    end "$BROKER_PID"
}
dropped() { # PORT: how many requests the broker has refused, by its own count
    python3 - "$1" <<'P'
import sys, urllib.request
text = urllib.request.urlopen(f"http://127.0.0.1:{sys.argv[1]}/actuator/prometheus", timeout=10).read().decode()
print(int(sum(float(line.rsplit(" ", 1)[1]) for line in text.split("\n") if line.startswith("zeebe_dropped_request_count_total"))))
P
}
