/* weir's client of the benchmark of events: the public API. Logs in as the SALESFORCE_ variables
 * say. Each event is a line of JSON on standard output.
 * Usage: client CHANNEL COUNT [STORE]
 *        client subscriptions COUNT    prints the bytes of memory that each of them needs */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <weir/weir.h>

#define ROOM 256

static void need(bool ok, const char *what)
{
    if (ok)
        return;
    fprintf(stderr, "weir: %s\n", what);
    exit(1);
}

static void write_line(const weir_event *event)
{
    weir_bytes message = weir_event_original(event);
    fwrite_unlocked(message.data, 1, message.len, stdout);
    putc_unlocked('\n', stdout);
}

/* All events of an answer are written before the next are asked for, which acknowledges them. */
static void listen_to(weir_salesforce *sf, size_t left)
{
    weir_error err = {0};
    weir_event *events[ROOM];
    while (left > 0) {
        size_t count = 0;
        size_t room = left < ROOM ? left : ROOM;
        weir_status status = weir_salesforce_take(sf, events, room, &count, WEIR_FOREVER, &err);
        need(status == WEIR_OK, err.message);
        for (size_t i = 0; i < count; i++) {
            write_line(events[i]);
            weir_event_free(events[i]);
        }
        (void)fflush(stdout);
        left -= count;
    }
}

static long resident_kb(void)
{
    char line[256];
    long value = 0;
    FILE *status = fopen("/proc/self/status", "r");
    while (status && fgets(line, sizeof line, status)) {
        if (strncmp(line, "VmRSS:", 6) == 0)
            value = strtol(line + 6, NULL, 10);
    }
    if (status)
        (void)fclose(status);
    return value;
}

static void subscribe(weir_salesforce *sf, int number)
{
    char channel[64];
    weir_error err = {0};
    (void)snprintf(channel, sizeof channel, "/event/Number%d__e", number);
    need(weir_salesforce_subscribe(sf, channel, WEIR_REPLAY_NEW, 10000, &err) == WEIR_OK,
         err.message);
}

static void weigh_subscriptions(weir_salesforce *sf, int count)
{
    subscribe(sf, 0);
    long before = resident_kb();
    for (int number = 1; number <= count; number++)
        subscribe(sf, number);
    printf("%ld\n", (resident_kb() - before) * 1024 / count);
}

int main(int argc, char **argv)
{
    static char lines[1 << 16];
    weir_error err = {0};
    (void)setvbuf(stdout, lines, _IOFBF, sizeof lines);
    need(argc == 3 || argc == 4, "usage: client CHANNEL COUNT [STORE]");
    bool weigh = strcmp(argv[1], "subscriptions") == 0;
    weir_salesforce *sf = weir_salesforce_open(
        WEIR_SALESFORCE(.channel = weigh ? NULL : argv[1], .from = weigh ? NULL : WEIR_REPLAY_ALL,
                        .replay_file = argc == 4 ? argv[3] : NULL),
        &err);
    need(sf, err.message);
    if (weigh)
        weigh_subscriptions(sf, (int)strtol(argv[2], NULL, 10));
    else
        listen_to(sf, (size_t)strtoull(argv[2], NULL, 10));
    weir_salesforce_close(sf);
    return 0;
}
