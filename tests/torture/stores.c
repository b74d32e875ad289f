/* The stores with every allocation of the library's failing once: a save that fails for want of
 * memory has changed nothing, and the claim is free again. */
#include "lib/check.h"
#include "lib/replay_ops.h"
#include "lib/scripted.h"
#include "lib/torture.h"

#include "core/clock.h"
#include "core/deadline.h"
#include "core/error.h"
#include "salesforce/store.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const struct deadline never = {INT64_MAX};
static char folder[64], path[128];

static weir_status used(weir_replay *store, weir_error *err)
{
    struct record records[] = {{.has_position = true, .position = 5, .began = BEGAN_ALL},
                               {.began = BEGAN_NEW, .began_ms = 7}};
    const struct store_change changes[] = {{"/event/A__e", &records[0], true},
                                           {"/event/B__e", &records[1], true},
                                           {"/event/A__e", &records[0], false}};
    struct record out;
    struct claim *claim = NULL;
    weir_status status = store_claim(store, "org", "group", never, &claim, err);
    if (status != WEIR_OK)
        return status;
    status = store_load(store, claim, "/event/C__e", &out, never, err);
    if (status == WEIR_NOTHING)
        status = store_save(store, claim, changes, COUNT(changes), never, err);
    if (status == WEIR_OK)
        status = store_load(store, claim, "/event/A__e", &out, never, err);
    if (status == WEIR_OK)
        assert_int_equal(out.position, 5);
    weir_error why = *err;
    store_release(store, claim, never);
    *err = why;
    return status;
}

static weir_status in_memory(void *user, weir_error *err)
{
    (void)user;
    weir_replay *store = weir_replay_memory(err);
    weir_status status = store ? used(store, err) : err->status;
    weir_replay_free(store);
    return status;
}

static weir_status in_a_file(void *user, weir_error *err)
{
    (void)user;
    weir_replay *store = weir_replay_sqlite(path, err);
    weir_status status = store ? used(store, err) : err->status;
    weir_replay_free(store);
    return status;
}

static weir_status of_the_programs_own(void *user, weir_error *err)
{
    struct own_store own = {0};
    (void)user;
    weir_replay *store = weir_replay_custom(&own_store_ops, &own, err);
    weir_status status = store ? used(store, err) : err->status;
    weir_replay_free(store);
    own_store_clear(&own);
    return status;
}

/* On a connection of its own each time: also what making it allocates fails. */
static weir_status in_redis(void *user, weir_error *err)
{
    char url[64];
    const struct scripted *server = user;
    (void)snprintf(url, sizeof url, "redis://u:p@127.0.0.1:%u/3", server->port);
    weir_replay *store = weir_replay_redis(url, err);
    weir_status status = store ? used(store, err) : err->status;
    weir_replay_free(store);
    return status;
}

static void a_store_in_redis_survives(void **state)
{
#define BULK(len, text) "$" #len "\r\n" text "\r\n"
    static const char ok[] = "*1\r\n" BULK(2, "ok");
    static const char none[] = "*3\r\n" BULK(2, "ok") BULK(0, "") BULK(0, "");
    static const char five[] = "*3\r\n" BULK(2, "ok") BULK(1, "5") BULK(15, "{\"began\":\"all\"}");
    static const char lost[] = "*1\r\n" BULK(4, "lost");
    static const struct talk talks[] = {{{"+OK\r\n", "+OK\r\n", ok, none, lost, ok, five, ok}}};
    struct scripted server;
    (void)state;
    scripted_start(&server, talks, COUNT(talks));
    torture(in_redis, &server);
    scripted_stop(&server);
}

static void every_store_survives(void **state)
{
    (void)state;
    torture(in_memory, NULL);
    torture(in_a_file, NULL);
    torture(of_the_programs_own, NULL);
}

static int setup(void **state)
{
    (void)state;
    memcpy(folder, "/tmp/weir-torture-XXXXXX", sizeof "/tmp/weir-torture-XXXXXX");
    assert_non_null(mkdtemp(folder));
    (void)snprintf(path, sizeof path, "%s/replay.db", folder);
    return 0;
}

static int teardown(void **state)
{
    char command[128];
    (void)state;
    (void)snprintf(command, sizeof command, "rm -r '%s'", folder);
    return system(command);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(every_store_survives),
                                       cmocka_unit_test(a_store_in_redis_survives)};
    return cmocka_run_group_tests(tests, setup, teardown);
}
