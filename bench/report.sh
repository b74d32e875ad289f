# Sourced by bench/run: medians, ratios, the machine. Reads $WORK/data: ROW COLUMN NS RSS_KB THREADS.
# shellcheck shell=sh

version_of() { dpkg-query -W -f='${source:Upstream-Version}' "$1" 2>/dev/null || echo '?'; } # PACKAGE

machine() {
    echo "* machine: $(nproc) x $(sed -n 's/^model name[^:]*: //p' /proc/cpuinfo | head -1)," \
        "$(awk '/^MemTotal/ {printf "%.0f GB", $2 / 1048576}' /proc/meminfo)$(hypervisor)," \
        "$(uname -s) $(uname -r | sed 's/[-+].*//'), $(. /etc/os-release && echo "$PRETTY_NAME")"
    echo "* weir $(sed -n 's/^project(weir VERSION \([0-9.]*\).*/\1/p' CMakeLists.txt) ($(git rev-parse --short HEAD 2>/dev/null || echo '?'))," \
        "$(cc --version | head -1), RelWithDebInfo; libnghttp2 $(version_of libnghttp2-14), libuv $(version_of libuv1)"
    echo "* h2load $(version_of nghttp2-client); gRPC C-core $(version_of libgrpc++-dev) (C++ API); grpc.aio $GRPC_AIO" \
        "($("$PYTHON" -V 2>/dev/null)); grpc-go $GRPC_GO ($(go version 2>/dev/null | cut -d' ' -f3))"
    echo "* server: grpc-go $GRPC_GO with GOMAXPROCS=1, on the same machine over loopback, plaintext"
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
    echo "Medians of $rounds interleaved rounds. CPU is user and system time of all threads of the client, per call or message,"
    echo "after the warm-up; (Nx) is how many times as much as weir's base row of that column, which is marked with *."
    echo
    table
    echo
    machine
    sed 's/^/* skipped: /' "$WORK/skipped"
    [ ! -s "$WORK/faults" ] || sort "$WORK/faults" | uniq -c | awk '{print "* failed " $1 " times: " $2 ", " $3}'
}

table() {
    awk '
    function median(row, column, list, field,    n, sorted, i, j, v, count) {
        n = split(list[row, column], sorted, " ")
        for (i = 2; i <= n; i++)
            for (j = i; j > 1 && sorted[j - 1] + 0 > sorted[j] + 0; j--) {
                v = sorted[j]; sorted[j] = sorted[j - 1]; sorted[j - 1] = v
            }
        if (n == 0) return -1
        return n % 2 ? sorted[(n + 1) / 2] + 0 : (sorted[n / 2] + sorted[n / 2 + 1]) / 2
    }
    function cell(row, column, unit,    own, base) {
        own = median(row, column, ns)
        base = median(bases[column], column, ns)
        if (own < 0) return "-"
        if (bases[column] == row) return sprintf("%.2f *", own / unit)
        return base > 0 ? sprintf("%.2f (%.2fx)", own / unit, own / base) : sprintf("%.2f", own / unit)
    }
    function memory(row,    one, many) {
        one = median(row, "one", rss); many = median(row, "many", rss)
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
    }' "$WORK/data"
}
