/* Records in a file, by SQLite: prepared statements, one transaction a save.
 *
 * Whoever claims an organisation and group takes a lock (store_sqlite_place.c) and writes its token
 * into the store; a save compares the token in its own transaction. So a listener whose lock was
 * taken from under it (somebody removed the lock file) writes nothing any more. */
#include "salesforce/store_sqlite.h"
#include "core/clock.h"
#include "core/error.h"
#include "core/mem.h"
#include "core/shield.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum statement { BEGIN, COMMIT, ROLLBACK, OWNED, OWN, DISOWN, OWNER, PUT, GET, STATEMENTS };

static const char *const texts[STATEMENTS] = {
    [BEGIN] = "BEGIN IMMEDIATE",
    [COMMIT] = "COMMIT",
    [ROLLBACK] = "ROLLBACK",
    [OWNED] = "SELECT 1 FROM owner WHERE organisation=?1 AND grp=?2 AND token=?3",
    [OWN] = "INSERT INTO owner VALUES(?1,?2,?3,?4,?5,?6) ON CONFLICT DO UPDATE SET "
            "token=excluded.token, pid=excluded.pid, host=excluded.host, "
            "since_ms=excluded.since_ms",
    [DISOWN] = "DELETE FROM owner WHERE organisation=?1 AND grp=?2 AND token=?3",
    [OWNER] = "SELECT pid, host FROM owner WHERE organisation=?1 AND grp=?2",
    [PUT] = "INSERT INTO record VALUES(?1,?2,?3,?4,?5,?6,?7,?8) ON CONFLICT DO UPDATE SET "
            "position=CASE WHEN ?9 THEN excluded.position ELSE "
            "max(ifnull(position,excluded.position),ifnull(excluded.position,position)) END, "
            "began=excluded.began, began_id=excluded.began_id, began_ms=excluded.began_ms, "
            "live_ms=excluded.live_ms",
    [GET] = ("SELECT position, began, began_id, began_ms, live_ms FROM record "
             "WHERE organisation=?1 AND grp=?2 AND channel=?3"),
};

struct store_sqlite {
    weir_replay base;
    struct sqlite_file file;
    sqlite3_stmt *statements[STATEMENTS];
    char lock_path[SQLITE_STORE_PATH];
};

struct lock { /* of a claim */
    int fd;
};

static struct store_sqlite *of(weir_replay *store)
{
    return (struct store_sqlite *)(void *)store;
}

/* --- statements --------------------------------------------------------------------------- */

static void bind_text(sqlite3_stmt *s, int at, const char *text)
{
    sqlite.bind_text(s, at, text, -1, SQLITE_STATIC); /* it outlives the statement's run */
}

static sqlite3_stmt *bind_claim(struct store_sqlite *s, enum statement which,
                                const struct claim *claim)
{
    sqlite3_stmt *statement = s->statements[which];
    bind_text(statement, 1, claim->organisation);
    bind_text(statement, 2, claim->group);
    return statement;
}

/* SQLITE_ROW, SQLITE_DONE or what went wrong; the statement is ready for the next time. */
static int run(sqlite3_stmt *statement)
{
    errno = 0;
    int code = sqlite.step(statement);
    int left = errno;
    int reset = sqlite.reset(statement);
    errno = left;
    return code == SQLITE_ROW || code == SQLITE_DONE ? code : reset ? reset : code;
}

static void wait_until(const struct store_sqlite *s, struct deadline until)
{
    weir_ms left = deadline_left(s->base.clock, until);
    sqlite.busy_timeout(s->file.db, left < 0 || left > INT_MAX ? INT_MAX : (int)left);
}

/* --- claims ------------------------------------------------------------------------------- */

/* "(process 42 on host.example)", or nothing. */
static void who(struct store_sqlite *s, const struct claim *claim, char *out, size_t size)
{
    sqlite3_stmt *statement = bind_claim(s, OWNER, claim);
    *out = '\0';
    if (sqlite.step(statement) == SQLITE_ROW) {
        const unsigned char *host = sqlite.column_text(statement, 1);
        (void)snprintf(out, size, " (process %lld on %.64s)",
                       (long long)sqlite.column_int64(statement, 0),
                       host ? (const char *)host : "?");
    }
    sqlite.reset(statement);
}

static weir_status taken(struct store_sqlite *s, const struct claim *claim, weir_error *err)
{
    char owner[128];
    who(s, claim, owner, sizeof owner);
    return error_set(err, WEIR_CONFLICT,
                     "%s: another listener%s has it for organisation %s, group '%s'; end that one, "
                     "or give this one a group of its own",
                     s->base.what, owner, claim->organisation, claim->group);
}

static weir_status write_owner(struct store_sqlite *s, const struct claim *claim, weir_error *err)
{
    char host[256] = "";
    sqlite3_stmt *statement = bind_claim(s, OWN, claim);
    (void)gethostname(host, sizeof host - 1);
    bind_text(statement, 3, claim->token);
    sqlite.bind_int64(statement, 4, getpid());
    bind_text(statement, 5, host);
    sqlite.bind_int64(statement, 6, clock_wall(s->base.clock) / NS_PER_MS);
    int code = run(statement);
    return code == SQLITE_DONE ? WEIR_OK : sqlite_file_fail(&s->file, code, "written", err);
}

static weir_status claim_file(weir_replay *store, struct claim *claim, struct deadline until,
                              weir_error *err)
{
    struct store_sqlite *s = of(store);
    struct lock *lock = mem_zalloc(sizeof *lock);
    if (!lock)
        return error_no_memory(err);
    wait_until(s, until);
    weir_status status = sqlite_file_here(&s->file, err);
    lock->fd = -1;
    if (status == WEIR_OK)
        status = sqlite_lock_take(s->lock_path, sqlite_lock_byte(claim->organisation, claim->group),
                                  store->what, &lock->fd, err);
    if (status == WEIR_CONFLICT)
        status = taken(s, claim, err);
    else if (status == WEIR_OK)
        status = write_owner(s, claim, err);
    if (status == WEIR_OK) {
        claim->kind = lock;
        return WEIR_OK;
    }
    if (lock->fd >= 0)
        close(lock->fd);
    mem_free(lock);
    return status;
}

static void release_file(weir_replay *store, struct claim *claim, struct deadline until)
{
    struct store_sqlite *s = of(store);
    struct lock *lock = claim->kind;
    wait_until(s, until);
    sqlite3_stmt *statement = bind_claim(s, DISOWN, claim);
    bind_text(statement, 3, claim->token);
    (void)run(statement); /* if it stays, the next one overwrites it */
    close(lock->fd);
    mem_free(lock);
}

/* --- records ------------------------------------------------------------------------------ */

/* An integer that is not negative; NULL only where `has` is asked for. */
static bool read_number(sqlite3_stmt *row, int at, bool *has, int64_t *out)
{
    int type = sqlite.column_type(row, at);
    *out = sqlite.column_int64(row, at);
    if (has)
        *has = type == SQLITE_INTEGER;
    return (type == SQLITE_INTEGER && *out >= 0) || (has && type == SQLITE_NULL);
}

static bool read_record(sqlite3_stmt *row, struct record *out)
{
    int64_t began = 0;
    bool sound = read_number(row, 0, &out->has_position, &out->position) &&
                 read_number(row, 1, NULL, &began) &&
                 read_number(row, 2, &out->has_began_id, &out->began_id) &&
                 read_number(row, 3, NULL, &out->began_ms) &&
                 read_number(row, 4, NULL, &out->live_ms);
    out->began = (enum began)began;
    return sound && began <= BEGAN_AFTER && (began != BEGAN_AFTER || out->has_began_id);
}

static weir_status load_file(weir_replay *store, const struct claim *claim, const char *channel,
                             struct record *out, struct deadline until, weir_error *err)
{
    struct store_sqlite *s = of(store);
    weir_status status = sqlite_file_here(&s->file, err);
    if (status != WEIR_OK)
        return status;
    wait_until(s, until);
    sqlite3_stmt *row = bind_claim(s, GET, claim);
    bind_text(row, 3, channel);
    errno = 0;
    int code = sqlite.step(row);
    int left = errno;
    bool sound = code != SQLITE_ROW || read_record(row, out);
    int reset = sqlite.reset(row);
    errno = left;
    if (!sound)
        return error_set(err, WEIR_STORE, "%s: the record of %s makes no sense; %s", store->what,
                         channel, SQLITE_STORE_GO_ON);
    if (code == SQLITE_ROW)
        return WEIR_OK;
    return code == SQLITE_DONE ? WEIR_NOTHING
                               : sqlite_file_fail(&s->file, reset ? reset : code, "read", err);
}

static void bind_number(sqlite3_stmt *s, int at, bool known, int64_t value)
{
    if (known)
        sqlite.bind_int64(s, at, value);
    else
        sqlite.bind_null(s, at);
}

static int put(struct store_sqlite *s, const struct claim *claim, const struct store_change *change)
{
    const struct record *r = change->record;
    sqlite3_stmt *row = bind_claim(s, PUT, claim);
    bind_text(row, 3, change->channel);
    bind_number(row, 4, r->has_position, r->position);
    bind_number(row, 5, true, r->began);
    bind_number(row, 6, r->has_began_id, r->began_id);
    bind_number(row, 7, true, r->began_ms);
    bind_number(row, 8, true, r->live_ms);
    bind_number(row, 9, true, change->anew);
    return run(row);
}

/* Inside the transaction. SQLITE_DONE, or what went wrong; SQLITE_AUTH: it is not the owner's. */
static int put_all(struct store_sqlite *s, const struct claim *claim,
                   const struct store_change *changes, size_t count)
{
    sqlite3_stmt *owned = bind_claim(s, OWNED, claim);
    bind_text(owned, 3, claim->token);
    int code = run(owned);
    if (code != SQLITE_ROW)
        return code == SQLITE_DONE ? SQLITE_AUTH : code;
    code = SQLITE_DONE;
    for (size_t i = 0; i < count && code == SQLITE_DONE; i++)
        code = put(s, claim, &changes[i]);
    return code == SQLITE_DONE ? run(s->statements[COMMIT]) : code;
}

static weir_status save_file(weir_replay *store, const struct claim *claim,
                             const struct store_change *changes, size_t count,
                             struct deadline until, weir_error *err)
{
    struct store_sqlite *s = of(store);
    weir_status status = sqlite_file_here(&s->file, err);
    if (status != WEIR_OK)
        return status;
    wait_until(s, until);
    int code = run(s->statements[BEGIN]);
    if (code == SQLITE_DONE)
        code = put_all(s, claim, changes, count);
    if (code == SQLITE_DONE)
        return WEIR_OK;
    if (code == SQLITE_AUTH)
        status = taken(s, claim, err);
    else
        status = sqlite_file_fail(&s->file, code, "written", err);
    if (!sqlite.get_autocommit(s->file.db))
        (void)run(s->statements[ROLLBACK]);
    return status;
}

/* --- opening and closing ------------------------------------------------------------------ */

static void free_file(weir_replay *store)
{
    struct store_sqlite *s = of(store);
    for (size_t i = 0; i < STATEMENTS; i++)
        sqlite.finalize(s->statements[i]);
    sqlite.close(s->file.db);
    store_clear(store);
}

static const struct store_kind sqlite_kind = {
    .name = "sqlite",
    .claim = claim_file,
    .release = release_file,
    .load = load_file,
    .save = save_file,
    .free = free_file,
};

static weir_status prepare(struct store_sqlite *s, weir_error *err)
{
    for (size_t i = 0; i < STATEMENTS; i++) {
        errno = 0;
        int code = sqlite.prepare_v3(s->file.db, texts[i], -1, SQLITE_PREPARE_PERSISTENT,
                                     &s->statements[i], NULL);
        if (code != SQLITE_OK)
            return sqlite_file_fail(&s->file, code, "read", err);
    }
    return WEIR_OK;
}

static weir_status open_file(struct store_sqlite *s, const char *path, weir_error *err)
{
    struct sqlite_place place;
    weir_status status = sqlite_place_find(&place, path, s->base.what, err);
    if (status != WEIR_OK)
        return status;
    memcpy(s->lock_path, place.lock, sizeof s->lock_path);
    s->file.what = s->base.what;
    status = sqlite_file_open(&s->file, &place, s->base.clock, err);
    return status == WEIR_OK ? prepare(s, err) : status;
}

static char *name_of(const char *path)
{
    struct buf out = BUF_INIT(SQLITE_STORE_PATH + 64);
    buf_addf(&out, "the store '%s'", path);
    return out.data;
}

weir_replay *weir_replay_sqlite(const char *path, weir_error *err)
{
    if (error_held(err))
        return NULL;
    if (!path || !*path) {
        error_set(err, WEIR_INVALID, "the store's path is %s", path ? "empty" : "NULL");
        return NULL;
    }
    if (sqlite_load(err) != WEIR_OK)
        return NULL;
    weir_replay *store = store_new(&sqlite_kind, sizeof(struct store_sqlite), name_of(path), err);
    if (!store)
        return NULL;
    int shielded = shield_up();
    weir_status status = open_file(of(store), path, err);
    shield_down(shielded);
    if (status == WEIR_OK) {
        error_ok(err);
        return store;
    }
    weir_replay_free(store);
    return NULL;
}
