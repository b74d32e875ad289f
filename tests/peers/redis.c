/* The store in Redis against a real server, which this program steers by redis-cli. Prints a line
 * "ok NAME" or "FAIL NAME: why" for each thing that must be true.
 *   peer_redis PORT PROCESS                 everything
 *   peer_redis open URL                     claims, saves and loads; ends with the error's status
 */
#include "core/clock.h"
#include "core/deadline.h"
#include "salesforce/store.h"

#include <pthread.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <weir/log.h>

#define ORG  "00D000000000001"
#define HASH "weir:{" ORG ":g}"

static const char *port;
static pid_t server;
static int failed;
static weir_error err;
static char log_text[4096];

static struct deadline within(weir_ms limit)
{
    return deadline_in(clock_system(), limit, limit);
}

static void must(bool good, const char *name)
{
    if (good) {
        printf("ok redis: %s\n", name);
    } else {
        printf("FAIL redis: %s: %s %s\n", name, weir_status_name(err.status), err.message);
        failed = 1;
    }
}

WEIR_PRINTF(1, 2)
static void cli(const char *fmt, ...)
{
    char words[512], command[640];
    va_list args;
    va_start(args, fmt);
    (void)vsnprintf(words, sizeof words, fmt, args);
    va_end(args);
    (void)snprintf(command, sizeof command, "redis-cli -p %s %s >/dev/null", port, words);
    if (system(command) != 0) {
        printf("FAIL redis: %s\n", command);
        failed = 1;
    }
}

static weir_replay *at(const char *path)
{
    char url[256];
    (void)snprintf(url, sizeof url, "redis://127.0.0.1:%s%s", port, path);
    weir_error_clear(&err);
    return weir_replay_open(url, &err);
}

static struct claim *claimed(weir_replay *store)
{
    struct claim *claim = NULL;
    if (store_claim(store, ORG, "g", within(5000), &claim, &err) != WEIR_OK)
        must(false, "claiming");
    if (!claim)
        exit(1);
    return claim;
}

static weir_status save(weir_replay *store, const struct claim *claim, const char *channel,
                        int64_t position, bool anew)
{
    struct record record = {.has_position = position >= 0,
                            .position = position,
                            .began = BEGAN_NEW,
                            .began_ms = INT64_C(1700000000123),
                            .live_ms = 7};
    struct store_change change = {channel, &record, anew};
    return store_save(store, claim, &change, 1, within(3000), &err);
}

/* -1: none; -2: no record. */
static int64_t loaded(weir_replay *store, const struct claim *claim, const char *channel)
{
    struct record out;
    weir_status status = store_load(store, claim, channel, &out, within(3000), &err);
    if (status == WEIR_NOTHING)
        return -2;
    return status == WEIR_OK && out.has_position ? out.position : -1;
}

static void done(weir_replay *store, struct claim *claim)
{
    store_release(store, claim, within(3000));
    weir_replay_free(store);
}

static void records(void)
{
    const int64_t large = INT64_C(9007199254740993);
    weir_replay *store = at("/0");
    struct claim *claim = claimed(store);
    struct record out;
    must(loaded(store, claim, "/event/A__e") == -2, "what was never saved is nothing");
    must(save(store, claim, "/topic/T?Region='\r\n\"{}", 5, false) == WEIR_OK &&
             loaded(store, claim, "/topic/T?Region='\r\n\"{}") == 5,
         "any text is a channel");
    must(save(store, claim, "/event/A__e", large, false) == WEIR_OK &&
             loaded(store, claim, "/event/A__e") == large,
         "ids above 2^53 are exact");
    must(save(store, claim, "/event/A__e", large - 1, false) == WEIR_OK &&
             loaded(store, claim, "/event/A__e") == large,
         "a position never goes back, not by one above 2^53");
    must(save(store, claim, "/event/A__e", 99, false) == WEIR_OK &&
             loaded(store, claim, "/event/A__e") == large,
         "a position never goes back to one with fewer digits");
    must(save(store, claim, "/event/A__e", -1, false) == WEIR_OK &&
             loaded(store, claim, "/event/A__e") == large,
         "a position does not go without a new beginning");
    must(save(store, claim, "/event/A__e", 99, true) == WEIR_OK &&
             loaded(store, claim, "/event/A__e") == 99,
         "with a new beginning it may go back");
    must(save(store, claim, "/event/A__e", -1, true) == WEIR_OK &&
             store_load(store, claim, "/event/A__e", &out, within(3000), &err) == WEIR_OK &&
             !out.has_position && out.began == BEGAN_NEW &&
             out.began_ms == INT64_C(1700000000123) && out.live_ms == 7,
         "the rest of a record comes back");
    done(store, claim);
}

static void many(void)
{
    enum { COUNT = 1000 };
    weir_replay *store = at("");
    struct claim *claim = claimed(store);
    struct store_change *changes = calloc(COUNT, sizeof *changes);
    struct record *records_of = calloc(COUNT, sizeof *records_of);
    for (int i = 0; i < COUNT; i++) {
        char *name = malloc(32);
        (void)snprintf(name, 32, "/event/N%d__e", i);
        records_of[i] = (struct record){.has_position = true, .position = i};
        changes[i] = (struct store_change){name, &records_of[i], false};
    }
    must(store_save(store, claim, changes, COUNT, within(5000), &err) == WEIR_OK &&
             loaded(store, claim, "/event/N999__e") == 999,
         "a thousand channels in one save");
    for (int i = 0; i < COUNT; i++)
        free((void *)(uintptr_t)changes[i].channel);
    free(changes);
    free(records_of);
    done(store, claim);
}

/* --- one listener at a time --------------------------------------------------------------- */

static int64_t ahead_ns;
static int64_t boot_ahead(const struct clock *self)
{
    (void)self;
    return clock_boot(clock_system()) + ahead_ns;
}

static void leases(void)
{
    struct clock clock = *clock_system();
    weir_replay *a = at(""), *b = at("");
    struct claim *mine = claimed(a), *other = NULL;
    clock.boot_ns = boot_ahead;
    a->clock = &clock;
    must(store_claim(b, ORG, "g", within(1000), &other, &err) == WEIR_CONFLICT &&
             strstr(err.message, "process ") && strstr(err.message, ORG),
         "a second listener conflicts and is told of the first");
    must(store_claim(b, ORG, "h", within(1000), &other, &err) == WEIR_OK, "another group does not");
    store_release(b, other, within(1000));
    must(save(a, mine, "/event/L__e", 10, false) == WEIR_OK && store_claim_good(a, mine),
         "the owner's claim is good");
    ahead_ns = 16 * NS_PER_S;
    must(!store_claim_good(a, mine), "an owner that slept for longer than the lease knows it");
    must(store_renew(a, mine, within(1000), &err) == WEIR_OK && store_claim_good(a, mine),
         "nobody else has come: it goes on");
    cli("DEL '%s:lease'", HASH);
    must(save(a, mine, "/event/L__e", 11, false) == WEIR_OK, "a lease that ran out is taken again");
    cli("DEL '%s:lease'", HASH);
    other = claimed(b);
    must(save(a, mine, "/event/L__e", 12, false) == WEIR_CONFLICT,
         "an owner that was overtaken writes nothing");
    must(save(a, mine, "/event/L__e", 1, true) == WEIR_CONFLICT, "not even a new beginning");
    must(store_renew(a, mine, within(1000), &err) == WEIR_CONFLICT, "and does not get it back");
    must(loaded(b, other, "/event/L__e") == 11, "the other goes on where it was");
    cli("DEL '%s:lease'", HASH);
    must(save(a, mine, "/event/L__e", 13, false) == WEIR_CONFLICT,
         "not even when the other's lease ran out");
    store_release(a, mine, within(1000));
    must(save(b, other, "/event/L__e", 14, false) == WEIR_OK, "its end takes nothing away");
    store_release(b, other, within(1000));
    mine = claimed(a);
    must(loaded(a, mine, "/event/L__e") == 14, "given back, it is anyone's at once");
    store_release(a, mine, within(1000));
    weir_replay_free(a);
    weir_replay_free(b);
}

static void *race(void *user)
{
    struct claim *claim = NULL;
    weir_error why = {0};
    weir_replay *store = user;
    weir_status status = store_claim(store, ORG, "race", within(5000), &claim, &why);
    return status == WEIR_OK ? claim : NULL;
}

static void races(void)
{
    enum { COUNT = 8 };
    pthread_t threads[COUNT];
    weir_replay *stores[COUNT];
    struct claim *winner = NULL;
    size_t won = 0, at_store = 0;
    for (size_t i = 0; i < COUNT; i++) {
        stores[i] = at("");
        pthread_create(&threads[i], NULL, race, stores[i]);
    }
    for (size_t i = 0; i < COUNT; i++) {
        void *claim = NULL;
        pthread_join(threads[i], &claim);
        won += claim != NULL;
        at_store = claim ? i : at_store;
        winner = claim ? claim : winner;
    }
    must(won == 1, "of eight listeners at once one gets it");
    if (winner)
        store_release(stores[at_store], winner, within(1000));
    for (size_t i = 0; i < COUNT; i++)
        weir_replay_free(stores[i]);
}

/* --- what servers do ---------------------------------------------------------------------- */

static void outages(void)
{
    weir_replay *store = at("");
    struct claim *claim = claimed(store);
    cli("CLIENT KILL TYPE normal SKIPME yes");
    must(save(store, claim, "/event/O__e", 1, false) == WEIR_OK, "a lost connection is replaced");
    kill(server, SIGSTOP);
    struct record record = {.has_position = true, .position = 2};
    struct store_change change = {"/event/O__e", &record, false};
    weir_status status = store_save(store, claim, &change, 1, within(500), &err);
    must(status == WEIR_TIMEOUT, "a server that says nothing is waited for no longer than asked");
    kill(server, SIGCONT);
    must(save(store, claim, "/event/O__e", 3, false) == WEIR_OK &&
             loaded(store, claim, "/event/O__e") == 3,
         "and no answer is taken for another one's");
    cli("REPLICAOF 127.0.0.1 1");
    status = store_save(store, claim, &change, 1, within(300), &err);
    must(status == WEIR_UNREACHABLE && strstr(err.message, "replica"), "a replica is no primary");
    cli("REPLICAOF NO ONE");
    must(save(store, claim, "/event/O__e", 4, false) == WEIR_OK, "until it is one");
    cli("CONFIG SET maxmemory 1");
    status = store_save(store, claim, &change, 1, within(300), &err);
    must(status == WEIR_BUSY && strstr(err.message, "maxmemory"), "a full server is said");
    cli("CONFIG SET maxmemory 0");
    must(save(store, claim, "/event/O__e", 5, false) == WEIR_OK, "until it has room");
    done(store, claim);
}

static void hear(const weir_log_record *record, void *user)
{
    (void)user;
    (void)snprintf(log_text, sizeof log_text, "%s", record->message);
}

static void losses(void)
{
    weir_replay *a = at(""), *b = at("");
    struct claim *mine = claimed(a), *other = NULL;
    weir_log_to(hear, NULL, WEIR_LOG_WARN);
    (void)save(a, mine, "/event/F__e", 21, false);
    (void)save(a, mine, "/event/G__e", 22, false);
    cli("FLUSHALL");
    must(save(a, mine, "/event/F__e", 23, false) == WEIR_OK, "a server that forgot all is told");
    must(strstr(log_text, "lost") != NULL, "and that is said");
    store_release(a, mine, within(1000));
    other = claimed(b);
    must(loaded(b, other, "/event/F__e") == 23 && loaded(b, other, "/event/G__e") == 22,
         "of all channels");
    (void)save(b, other, "/event/F__e", 24, false);
    cli("FLUSHALL");
    must(loaded(b, other, "/event/F__e") == 24, "what it forgot is known here");
    cli("FLUSHALL");
    must(store_renew(b, other, within(1000), &err) == WEIR_OK, "renewing tells it, too");
    cli("FLUSHALL");
    mine = claimed(a);
    must(save(b, other, "/event/F__e", 25, false) == WEIR_CONFLICT,
         "but not when another listener came first");
    weir_log_to(NULL, NULL, WEIR_LOG_WARN);
    store_release(b, other, within(1000));
    done(a, mine);
    weir_replay_free(b);
}

static void foreign(void)
{
    weir_replay *store = at("");
    struct claim *claim = NULL;
    cli("SET '%s' x", HASH);
    must(store_claim(store, ORG, "g", within(1000), &claim, &err) == WEIR_STORE &&
             strstr(err.message, "another program"),
         "keys of another program are left alone");
    cli("DEL '%s'", HASH);
    claim = claimed(store);
    cli("HSET '%s' 'position /event/X__e' 42", HASH);
    must(loaded(store, claim, "/event/X__e") == 42, "a position that somebody set by hand counts");
    cli("HSET '%s' 'position /event/X__e' 4x2", HASH);
    must(loaded(store, claim, "/event/X__e") == -1 && err.status == WEIR_STORE,
         "rubbish is refused");
    cli("HDEL '%s' 'position /event/X__e'", HASH);
    cli("HSET '%s' 'record /event/X__e' rubbish", HASH);
    must(loaded(store, claim, "/event/X__e") == -1 && err.status == WEIR_STORE,
         "a record of rubbish is refused");
    cli("DEL '%s'", HASH);
    done(store, claim);
}

static int opened(const char *url)
{
    struct claim *claim = NULL;
    weir_replay *store = weir_replay_open(url, &err);
    if (store && store_claim(store, ORG, "g", within(1000), &claim, &err) == WEIR_OK &&
        save(store, claim, "/event/A__e", 1, true) == WEIR_OK)
        (void)loaded(store, claim, "/event/A__e");
    if (claim) {
        weir_error why = err;
        store_release(store, claim, within(1000));
        err = why;
    }
    weir_replay_free(store);
    return weir_error_exit(&err, "peer_redis");
}

static int saved(const char *url, long count)
{
    struct claim *claim = NULL;
    weir_replay *store = weir_replay_open(url, &err);
    if (!store || store_claim(store, ORG, "s", within(5000), &claim, &err) != WEIR_OK)
        return weir_error_exit(&err, "peer_redis");
    for (long i = 1; i <= count && err.status == WEIR_OK; i++) {
        struct record record = {.has_position = true, .position = i, .began = BEGAN_ALL};
        struct store_change change = {"/event/A__e", &record, false};
        if (store_save(store, claim, &change, 1, within(20000), &err) != WEIR_OK)
            break;
        if (loaded(store, claim, "/event/A__e") != i)
            (void)snprintf(err.message, sizeof err.message, "%ld was not read back", i);
        printf("%ld\n", i);
    }
    done(store, claim);
    return weir_error_exit(&err, "peer_redis");
}

int main(int argc, char **argv)
{
    (void)setvbuf(stdout, NULL, _IOLBF, 0);
    if (argc == 4 && strcmp(argv[1], "save") == 0)
        return saved(argv[2], strtol(argv[3], NULL, 10));
    if (argc == 3 && strcmp(argv[1], "open") == 0)
        return opened(argv[2]);
    if (argc != 3)
        return 64;
    port = argv[1];
    server = (pid_t)strtol(argv[2], NULL, 10);
    records();
    many();
    leases();
    races();
    outages();
    losses();
    foreign();
    return failed;
}
