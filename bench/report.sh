# Sourced by bench/run: medians, ratios, the machine. Reads $WORK/calls and $WORK/jobs, as calls.sh and jobs.sh write them.
# shellcheck shell=sh

version_of() { dpkg-query -W -f='${source:Upstream-Version}' "$1" 2>/dev/null || echo '?'; } # PACKAGE

machine() {
    echo "* machine: $(nproc) x $(sed -n 's/^model name[^:]*: //p' /proc/cpuinfo | head -1)," \
        "$(awk '/^MemTotal/ {printf "%.0f GB", $2 / 1048576}' /proc/meminfo)$(hypervisor)," \
        "$(uname -s) $(uname -r | sed 's/[-+].*//'), $(. /etc/os-release && echo "$PRETTY_NAME")"
    echo "* weir $(sed -n 's/^project(weir VERSION \([0-9.]*\).*/\1/p' CMakeLists.txt) ($(git rev-parse --short HEAD 2>/dev/null || echo '?'))," \
        "$(cc --version | head -1), RelWithDebInfo; libnghttp2 $(version_of libnghttp2-14), libuv $(version_of libuv1)"
    echo "* h2load $(version_of nghttp2-client); gRPC C-core $(version_of libgrpc++-dev) (C++ API); grpc.aio $GRPC_AIO" \
        "($(python3 -V 2>/dev/null)); grpc-go $GRPC_GO ($(go version 2>/dev/null | cut -d' ' -f3))"
    echo "* workers: Go client $ZEEBE_GO; pyzeebe $PYZEEBE with grpcio $GRPC_AIO; Java client $ZEEBE_JAVA" \
        "(Java $("${JAVA:-false}" -version 2>&1 | sed -n 's/.*version "\([^"]*\).*/\1/p')); zeebe-node $ZEEBE_NODE and" \
        "@camunda8/sdk $CAMUNDA8_SDK (Node $(node --version 2>/dev/null))"
    echo "* events: libcurl $(version_of libcurl4), cometd 9.0.0 and jsforce 3.10.16 (Node $(node --version 2>/dev/null)), CometD Java" \
        "8.0.10, aiosfstream 0.5.0 ($("$CACHE/aiosfstream-0.5.0/bin/python" -V 2>/dev/null))"
    echo "* server of calls and jobs: grpc-go $GRPC_GO with GOMAXPROCS=1, on the same machine over loopback, plaintext"
    echo "* load while measuring: $(cut -d' ' -f1 /proc/loadavg) (one minute), so the machine was" \
        "$(awk -v cpus="$(nproc)" '{print ($1 > cpus ? "shared with other work" : "otherwise idle")}' /proc/loadavg)"
}

hypervisor() {
    name=$(lscpu 2>/dev/null | sed -n 's/^Hypervisor vendor: *//p')
    [ -z "$name" ] || echo ", virtual ($name)"
}

report() {
    echo "# weir beside its peers, $(date +%F)"
    echo
    echo "Medians of interleaved rounds. CPU is user and system time of all threads of the client, after the warm-up;"
    echo "(Nx) is how many times as much as weir's base row of that column, which is marked with *."
    echo
    if [ -s "$WORK/calls" ]; then
        echo "## Calls, rounds: $call_rounds" && echo && calls_table && echo
    fi
    if [ -s "$WORK/jobs" ]; then
        echo "## Job workers, rounds: $job_rounds" && echo
        echo "Each completes every job of 1 kB at once and has at most $ACTIVE of them. Latency: from the gateway's handing the"
        echo "job out to the arrival of its completion."
        echo && jobs_table poll polled && echo && jobs_table stream streamed && echo
    fi
    if [ -s "$WORK/events" ]; then
        echo "## Events, rounds: $event_rounds" && echo && events_report && echo
    fi
    machine
    sed 's/^/* skipped: /' "$WORK/skipped"
    [ ! -s "$WORK/faults" ] || sort "$WORK/faults" | uniq -c | awk '{print "* failed " $1 " times: " $2 ", " $3}'
}

# For awk: the median of a list of numbers; -1 for an empty one.
# shellcheck disable=SC2016 # awk's, not the shell's
MEDIAN='
    function median(list,    n, sorted, i, j, v) {
        n = split(list, sorted, " ")
        for (i = 2; i <= n; i++)
            for (j = i; j > 1 && sorted[j - 1] + 0 > sorted[j] + 0; j--) {
                v = sorted[j]; sorted[j] = sorted[j - 1]; sorted[j - 1] = v
            }
        if (n == 0) return -1
        return n % 2 ? sorted[(n + 1) / 2] + 0 : (sorted[n / 2] + sorted[n / 2 + 1]) / 2
    }
'

calls_table() {
    awk "$MEDIAN"'
    function cell(row, column, unit,    own, base) {
        own = median(ns[row, column])
        base = median(ns[bases[column], column])
        if (own < 0) return "-"
        if (bases[column] == row) return sprintf("%.2f *", own / unit)
        return base > 0 ? sprintf("%.2f (%.2fx)", own / unit, own / base) : sprintf("%.2f", own / unit)
    }
    function memory(row,    one, many) {
        one = median(rss[row, "one"]); many = median(rss[row, "many"])
        return (one < 0 ? "-" : sprintf("%.1f", one / 1024)) " / " (many < 0 ? "-" : sprintf("%.1f", many / 1024))
    }
    function line(row, label) {
        if (!(row in seen)) return
        printf "| %s | %s | %s | %s | %s | %s | %s |\n", label, cell(row, "one", 1000), cell(row, "many", 1000),
            cell(row, "stream", 1000), cell(row, "first", 1000000), memory(row), threads[row]
    }
    {
        seen[$1] = 1
        ns[$1, $2] = ns[$1, $2] " " $3
        if ($4 > 0) rss[$1, $2] = rss[$1, $2] " " $4
        if ($5 > threads[$1] + 0) threads[$1] = $5
    }
    END {
        bases["one"] = "weir"; bases["many"] = "weir-window"; bases["stream"] = "weir"; bases["first"] = "weir"
        print "| client, and what it does | 1 in flight, CPU us | 128 in flight, CPU us | stream, CPU us a message |" \
            " first reply, ms | resident MB at 1 / 128 | threads |"
        print "|---|---|---|---|---|---|---|"
        line("weir", "weir `weir_zeebe_call`, blocking; stream: `weir_call_next`; JSON in and out")
        line("weir-typed", "weir `weir_zeebe_topology`, blocking; a C struct out, no JSON")
        line("weir-window", "weir `weir_zeebe_call_start` and `weir_call_next`, one thread, answers taken in order; JSON in and out")
        line("weir-callbacks", "weir `weir_zeebe_call_start` and `weir_call_then`, on handler threads; JSON in and out")
        line("h2load", "h2load: fixed request, answers not decoded; first reply: its whole run")
        line("core", "gRPC C-core, C++: blocking at 1, completion queue at 128; decodes protobuf")
        line("go", "grpc-go: goroutines, blocking; decodes protobuf")
        line("aio", "grpc.aio (C-core under Python): tasks; decodes protobuf")
    }' "$WORK/calls"
}

jobs_table() { # MODE HOW
    awk -v mode="$1" -v how="$2" "$MEDIAN"'
    function of(row, field) { return median(list[row, field]) }
    function line(row, label,    own, base, ratio) {
        if (!(row in seen)) return
        own = of(row, 3); base = "weir-1" in seen ? of("weir-1", 3) : 0
        ratio = row == "weir-1" ? " *" : base > 0 ? sprintf(" (%.1fx)", own / base) : ""
        printf "| %s | %.4f%s | %d | %.1f | %d | %.2f / %.2f | %d | %.4f |\n", label, own / 1e6, ratio, of(row, 4),
            of(row, 5) / 1024, of(row, 6), of(row, 7) / 1000, of(row, 8) / 1000, of(row, 9), of(row, 10) / 1e6
    }
    $1 == mode {
        seen[$2] = 1
        for (i = 3; i <= NF; i++) list[$2, i] = list[$2, i] " " $i
    }
    END {
        print "| worker, " how " | CPU s per 1,000 jobs | jobs a second | resident MB | threads | latency ms, median / 99 % |" \
            " first request, ms | CPU s of the gateway |"
        print "|---|---|---|---|---|---|---|---|"
        line("weir-1", "weir, handler on 1 thread")
        line("weir-4", "weir, handler on 4 threads")
        line("weir-next", "weir, `weir_worker_next` on the main thread")
        line("weir-complete", "`weir zeebe work --complete {}`")
        line("weir-coprocess", "`weir zeebe work --concurrency 32 --coprocess`, and its coprocess, in C")
        line("go-worker", "Go client, 4 goroutines")
        line("pyzeebe", "pyzeebe, an async function")
        line("java", "Java client, 2 threads")
        line("zeebe-node", "zeebe-node")
        line("camunda8", "@camunda8/sdk")
    }' "$WORK/jobs"
}
