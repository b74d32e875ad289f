#include "unit/salesforce/store_lib.h"

#include "lib/check.h"

#include "core/clock.h"
#include "salesforce/sqlite.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct deadline within(weir_ms limit)
{
    return deadline_in(clock_system(), limit, limit);
}

int file_setup(void **state)
{
    struct fixture *f = calloc(1, sizeof *f);
    memcpy(f->folder, "/tmp/weir-sqlite-XXXXXX", sizeof "/tmp/weir-sqlite-XXXXXX");
    assert_non_null(mkdtemp(f->folder));
    (void)snprintf(f->path, sizeof f->path, "%s/replay.db", f->folder);
    (void)snprintf(f->other, sizeof f->other, "%s/other.db", f->folder);
    *state = f;
    return 0;
}

int file_teardown(void **state)
{
    struct fixture *f = *state;
    char command[128];
    (void)snprintf(command, sizeof command, "rm -r '%s'", f->folder);
    assert_int_equal(system(command), 0);
    free(f);
    return 0;
}

weir_replay *opened(struct fixture *f, const char *path)
{
    weir_error_clear(&f->err);
    weir_replay *store = weir_replay_open(path, &f->err);
    if (!store)
        print_message("%s\n", f->err.message);
    assert_non_null(store);
    return store;
}

struct claim *claimed(struct fixture *f, weir_replay *store)
{
    struct claim *claim = NULL;
    assert_int_equal(store_claim(store, ORG, "", within(5000), &claim, &f->err), WEIR_OK);
    return claim;
}

weir_status try_save(struct fixture *f, weir_replay *store, const struct claim *claim,
                     int64_t position)
{
    struct record record = {.has_position = true, .position = position, .began = BEGAN_ALL};
    struct store_change change = {CHANNEL, &record, false};
    return store_save(store, claim, &change, 1, within(200), &f->err);
}

int64_t position_of(struct fixture *f, weir_replay *store, const struct claim *claim)
{
    struct record record;
    assert_int_equal(store_load(store, claim, CHANNEL, &record, within(5000), &f->err), WEIR_OK);
    return record.position;
}

/* Opens, saves, closes. */
void made_with(struct fixture *f, int64_t position)
{
    weir_replay *store = opened(f, f->path);
    struct claim *claim = claimed(f, store);
    assert_int_equal(try_save(f, store, claim, position), WEIR_OK);
    store_release(store, claim, within(5000));
    weir_replay_free(store);
}

void must_have(struct fixture *f, int64_t position)
{
    weir_replay *store = opened(f, f->path);
    struct claim *claim = claimed(f, store);
    assert_int_equal(position_of(f, store, claim), position);
    store_release(store, claim, within(5000));
    weir_replay_free(store);
}

void written(const char *path, const void *data, size_t len)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, data, len), len);
    close(fd);
}

/* By SQLite, from outside. */
void executed(const char *path, const char *sql)
{
    sqlite3 *db = NULL;
    weir_error err = {0};
    assert_int_equal(sqlite_load(&err), WEIR_OK);
    assert_int_equal(sqlite.open_v2(path, &db, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE, NULL),
                     SQLITE_OK);
    assert_int_equal(sqlite.exec(db, sql, NULL, NULL, NULL), SQLITE_OK);
    assert_int_equal(sqlite.close(db), SQLITE_OK);
}

void see(bool good, const char *what, const weir_error *err)
{
    if (good)
        return;
    (void)fprintf(stderr, "%s: %s\n", what, err->message);
    _exit(1);
}
