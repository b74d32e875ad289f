# Sourced by bench/run after report.sh: the tables of events. Reads $WORK/events and $WORK/events.more, as events.sh writes them.
# shellcheck shell=sh

events_report() {
    echo "CPU s per 100,000 events, start-up deducted (in brackets: how many times the floor, a libcurl loop that parses nothing), and"
    echo "events a second. Each client writes every event as a line of JSON to /dev/null. Resident: the most at any time, with 10 an answer."
    for size in 600 4096; do
        echo && events_table "$size"
    done
    echo && aims_table
    awk '$1 == "subscriptions" {print "\n* 1,000 subscriptions: " $2 " bytes of memory each (aim: at most 20,000)"}' "$WORK/events.more"
    awk '$1 == "server" && $4 + 0 > most {most = $4 + 0; of = $2 " bytes, " $3 " an answer"}
        END {if (of) printf "* the server, in C, answered all clients of a round with at most %.1f s of CPU (%s)\n", most / 100, of}' \
        "$WORK/events.more"
}

# For awk: reads $WORK/events into lists, of which cpu(size, an_answer, row) and so on are the medians; -1: none.
# shellcheck disable=SC2016 # awk's, not the shell's
EVENTS="$MEDIAN"'
    { key = $1 SUBSEP $2 SUBSEP $3
      ns[key] = ns[key] " " $4; each[key] = each[key] " " $5; kb[key] = kb[key] " " $6; seen[$3] = 1 }
    function cpu(size, many, row) { return median(ns[size, many, row]) }
    function best(size, many,    i, n, names, v, least) { # of the others, without a store
        n = split("cometd-npm jsforce cometd-java aiosfstream", names, " "); least = -1
        for (i = 1; i <= n; i++) { v = cpu(size, many, names[i]); if (v > 0 && (least < 0 || v < least)) least = v }
        return least
    }
'

events_table() { # SIZE
    awk -v size="$1" "$EVENTS"'
    function cell(row, many,    own, floor) {
        own = cpu(size, many, row); floor = cpu(size, many, "floor")
        if (own < 0) return "- | -"
        return sprintf("%.3f%s | %d", own / 1e4, row != "floor" && floor > 0 ? sprintf(" (%.1fx)", own / floor) : "",
            median(each[size, many, row]))
    }
    function line(row, label,    rss) {
        if (!(row in seen)) return
        rss = median(kb[size, 10, row])
        printf "| %s | %s | %s | %s | %.1f |\n", label, cell(row, 1), cell(row, 10), cell(row, 100), rss / 1024
    }
    END {
        print "| events of " size " bytes | 1 an answer | a second | 10 an answer | a second | 100 an answer | a second | resident MB |"
        print "|---|---|---|---|---|---|---|---|"
        line("floor", "libcurl, nothing parsed")
        line("weir", "weir `weir_salesforce_take`, positions in memory")
        line("weir-store", "weir `weir_salesforce_take`, positions in SQLite")
        line("weir-cli", "`weir salesforce listen`")
        line("weir-cli-store", "`weir salesforce listen --store FILE`")
        line("cometd-npm", "cometd npm")
        line("jsforce", "jsforce")
        line("cometd-java", "CometD Java")
        line("aiosfstream", "aiosfstream")
        line("aiosfstream-store", "aiosfstream, positions in a shelf")
    }' "$WORK/events"
}

aims_table() {
    awk "$EVENTS"'
    function ratio(a, b, unit) { return a > 0 && b > 0 ? sprintf("%.1f%s", a / b, unit) : "-" }
    END {
        print "| aim | 600 B: 1, 10, 100 an answer | 4096 B: 1, 10, 100 an answer |"
        print "|---|---|---|"
        for (aim = 1; aim <= 4; aim++) {
            text = ""
            for (s = 1; s <= 2; s++) {
                size = s == 1 ? 600 : 4096; text = text " | "
                for (m = 1; m <= 3; m++) {
                    many = m == 1 ? 1 : m == 2 ? 10 : 100
                    if (aim == 1) v = ratio(cpu(size, many, "weir"), cpu(size, many, "floor"), "x")
                    if (aim == 2) v = ratio(best(size, many), cpu(size, many, "weir-store"), "x")
                    if (aim == 3) v = ratio(best(size, many), cpu(size, many, "weir-cli-store"), "x")
                    if (aim == 4) v = ratio(median(kb[size, many, "weir"]) - median(kb[size, many, "floor"]), 1024, " MB")
                    text = text (m > 1 ? ", " : "") v
                }
            }
            name = aim == 1 ? "weir without a store, of the floor (aim: at most 2x)" : \
                aim == 2 ? "weir with SQLite is so many times cheaper than the best of the others (aim: 5x)" : \
                aim == 3 ? "the same for the command" : "memory of weir above the floor (aim: at most 3 MB)"
            printf "| %s%s |\n", name, text
        }
    }' "$WORK/events"
}
