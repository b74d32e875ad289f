/* Making, opening and checking a store's file.
 *
 * It is made under another name and renamed, so that an empty or half made file is never a store:
 * one that is empty was a store once, and to begin it anew in silence would lose events. Whoever
 * makes it holds a lock, and removes what a store that was there before left beside it: SQLite
 * would read the old log into the new file. What a killed maker left is removed by the next.
 *
 * WAL with synchronous=NORMAL: a save is a write to the log without a sync. The end of the process
 * loses nothing; the end of the machine loses what was not yet synced, always from the end. On a
 * network's file system, where the log's index cannot be shared, it is a rollback journal with
 * synchronous=FULL. Pages are 1 KiB: a save writes one, and is a quarter faster than with 4 KiB. */
#include "core/clock.h"
#include "core/deadline.h"
#include "core/error.h"
#include "salesforce/store_sqlite.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define APPLICATION 0x77656972 /* "weir" */
#define FORMAT      1          /* of the tables; older ones are brought up to it */
#define OPEN_MS     5000       /* for locks of others while opening */
#define FLAGS                                                                                      \
    (SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_PRIVATECACHE | SQLITE_OPEN_NOFOLLOW)

#define TEXT_OF(number)    #number
#define DECIMAL_OF(number) TEXT_OF(number)

static const char schema[] =
    "PRAGMA page_size=1024;"
    "BEGIN;"
    "PRAGMA application_id=" DECIMAL_OF(
        APPLICATION) ";"
                     "PRAGMA user_version=" DECIMAL_OF(
                         FORMAT) ";"
                                 "CREATE TABLE owner(organisation TEXT NOT NULL, grp TEXT NOT "
                                 "NULL, token TEXT NOT NULL,"
                                 " pid INTEGER NOT NULL, host TEXT NOT NULL, since_ms INTEGER NOT "
                                 "NULL,"
                                 " PRIMARY KEY(organisation, grp)) WITHOUT ROWID;"
                                 "CREATE TABLE record(organisation TEXT NOT NULL, grp TEXT NOT "
                                 "NULL, channel TEXT NOT NULL,"
                                 " position INTEGER, began INTEGER NOT NULL, began_id INTEGER, "
                                 "began_ms INTEGER NOT NULL,"
                                 " live_ms INTEGER NOT NULL, PRIMARY KEY(organisation, grp, "
                                 "channel)) WITHOUT ROWID;"
                                 "COMMIT;";

/* --- failures ----------------------------------------------------------------------------- */

/* By the kind of SQLite's code: what to do about it. */
static const struct failure {
    int code;
    weir_status status;
    const char *words; /* behind "it " */
    const char *go_on;
} failures[] = {
    {SQLITE_BUSY, WEIR_BUSY, "could not be used in time", "another program has locked it"},
    {SQLITE_LOCKED, WEIR_BUSY, "could not be used in time", "another program has locked it"},
    {SQLITE_PROTOCOL, WEIR_BUSY, "could not be used in time", "another program has locked it"},
    {SQLITE_FULL, WEIR_STORE, "cannot be written, the disk is full",
     "make room and start again: what was not acknowledged comes again"},
    {SQLITE_NOTADB, WEIR_STORE, "is no store of weir and no database at all", SQLITE_STORE_GO_ON},
    {SQLITE_READONLY, WEIR_STORE, "may not be written",
     "change its permissions and its folder's, or give another file"},
    {SQLITE_PERM, WEIR_STORE, "may not be written",
     "change its permissions and its folder's, or give another file"},
};

static const struct failure *failure_of(int code)
{
    for (size_t i = 0; i < sizeof failures / sizeof *failures; i++) {
        if (failures[i].code == (code & 0xff)) /* of an extended code, the kind */
            return &failures[i];
    }
    return NULL;
}

static weir_status fail_as(const struct sqlite_file *f, int code, weir_error *err)
{
    const struct failure *is = failure_of(code);
    return error_set(err, is->status, "%s: it %s; %s", f->what, is->words, is->go_on);
}

static weir_status damaged(const struct sqlite_file *f, const char *how, weir_error *err)
{
    return error_set(err, WEIR_STORE, "%s: it is damaged (%s); %s", f->what, how,
                     SQLITE_STORE_GO_ON);
}

weir_status sqlite_file_fail(const struct sqlite_file *f, int code, const char *doing,
                             weir_error *err)
{
    int left = errno; /* SQLite keeps it for some of its failures only */
    int why = f->db ? sqlite.system_errno(f->db) : 0;
    const char *words = f->db ? sqlite.errmsg(f->db) : "it cannot be opened";
    int kind = code & 0xff;
    why = why ? why : left;
    if (kind == SQLITE_NOMEM)
        return error_no_memory(err);
    if (kind == SQLITE_CORRUPT || kind == SQLITE_ERROR /* no such table */)
        return damaged(f, words, err);
    if (failure_of(code))
        return fail_as(f, code, err);
    if (why == ENOSPC || why == EDQUOT)
        return fail_as(f, SQLITE_FULL, err);
    if (why)
        return error_system(err, WEIR_STORE, why,
                            "%s: it cannot be %s, see to it or give another file (%s)", f->what,
                            doing, words);
    return error_set(err, WEIR_STORE, "%s: it cannot be %s, see to it or give another file: %s",
                     f->what, doing, words);
}

weir_status sqlite_file_here(const struct sqlite_file *f, weir_error *err)
{
    int moved = 0;
    int code = sqlite.file_control(f->db, "main", SQLITE_FCNTL_HAS_MOVED, &moved);
    if (code != SQLITE_OK || !moved)
        return WEIR_OK;
    return error_set(err, WEIR_STORE,
                     "%s: the file was removed or replaced while it was in use, and what was saved "
                     "would be lost; put it back, or listen again from \"all\" (--replay all)",
                     f->what);
}

/* --- making it ---------------------------------------------------------------------------- */

static void remove_with(const char *path, const char *const *suffixes)
{
    char name[SQLITE_STORE_PATH + 16];
    for (; *suffixes; suffixes++) {
        (void)snprintf(name, sizeof name, "%s%s", path, *suffixes);
        (void)unlink(name);
    }
}

static weir_status fill(struct sqlite_file *f, const struct sqlite_place *place, weir_error *err)
{
    errno = 0;
    int code = sqlite.open_v2(place->made, &f->db, FLAGS, NULL);
    if (code == SQLITE_OK)
        code = sqlite.exec(f->db, schema, NULL, NULL, NULL);
    if (code == SQLITE_OK && !place->network)
        code = sqlite.exec(f->db, "PRAGMA journal_mode=WAL", NULL, NULL, NULL);
    weir_status status = code == SQLITE_OK ? WEIR_OK : sqlite_file_fail(f, code, "made", err);
    sqlite.close(f->db);
    f->db = NULL;
    return status;
}

/* So that the name survives the machine's end, too. */
static void sync_folder(const char *path)
{
    char folder[SQLITE_STORE_PATH];
    (void)snprintf(folder, sizeof folder, "%.*s/", (int)(strrchr(path, '/') - path), path);
    int fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0)
        return;
    (void)fsync(fd);
    close(fd);
}

/* With the lock. */
static weir_status make(struct sqlite_file *f, const struct sqlite_place *place, weir_error *err)
{
    static const char *const all[] = {"", "-wal", "-shm", "-journal", NULL};
    static const char *const beside[] = {"-wal", "-shm", "-journal", NULL};
    struct stat st;
    if (stat(place->real, &st) == 0)
        return WEIR_OK; /* another one has made it */
    remove_with(place->made, all);
    int fd = open(place->made, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (fd < 0)
        return error_system(err, WEIR_STORE, errno, "%s: '%s' cannot be made", f->what,
                            place->made);
    (void)fchmod(fd, 0600); /* whatever the umask says */
    close(fd);
    weir_status status = fill(f, place, err);
    if (status == WEIR_OK) {
        remove_with(place->real, beside);
        if (rename(place->made, place->real))
            status = error_system(err, WEIR_STORE, errno, "%s: '%s' cannot be renamed to it",
                                  f->what, place->made);
        else
            sync_folder(place->real);
    }
    if (status != WEIR_OK)
        remove_with(place->made, all);
    return status;
}

static weir_status make_locked(struct sqlite_file *f, const struct sqlite_place *place,
                               const struct clock *clock, weir_error *err)
{
    struct deadline until = deadline_in(clock, OPEN_MS, OPEN_MS);
    int fd = -1;
    weir_status status;
    while ((status = sqlite_lock_take(place->lock, SQLITE_LOCK_MAKING, f->what, &fd, err)) ==
               WEIR_CONFLICT &&
           deadline_left(clock, until) > 0)
        (void)poll(NULL, 0, 10);
    if (status == WEIR_CONFLICT)
        return error_set(err, WEIR_BUSY, "%s: another process makes it, and does not end", f->what);
    if (status != WEIR_OK)
        return status;
    status = make(f, place, err);
    close(fd);
    return status;
}

/* --- opening it --------------------------------------------------------------------------- */

struct answer {
    int64_t number;
    char text[128];
    bool any;
};

static int ask(const struct sqlite_file *f, const char *pragma, struct answer *out)
{
    sqlite3_stmt *statement = NULL;
    *out = (struct answer){0};
    errno = 0;
    int code = sqlite.prepare_v3(f->db, pragma, -1, 0, &statement, NULL);
    if (code == SQLITE_OK)
        code = sqlite.step(statement);
    if (code == SQLITE_ROW) {
        const unsigned char *text = sqlite.column_text(statement, 0);
        (void)snprintf(out->text, sizeof out->text, "%s", text ? (const char *)text : "");
        out->number = sqlite.column_int64(statement, 0);
        out->any = true;
        code = SQLITE_OK;
    }
    int left = errno;
    sqlite.finalize(statement);
    errno = left;
    return code == SQLITE_DONE ? SQLITE_OK : code;
}

static weir_status foreign(const struct sqlite_file *f, weir_error *err)
{
    return error_set(err, WEIR_STORE,
                     "%s: it is a database of another program, not a store of weir; %s", f->what,
                     SQLITE_STORE_GO_ON);
}

static weir_status newer(const struct sqlite_file *f, int64_t format, weir_error *err)
{
    return error_set(
        err, WEIR_STORE,
        "%s: a newer weir made it (format %lld, this one knows %d); update this one or "
        "give another file",
        f->what, (long long)format, FORMAT);
}

static weir_status check(const struct sqlite_file *f, weir_error *err)
{
    struct answer application, format, sound;
    int code = ask(f, "PRAGMA application_id", &application);
    if (code == SQLITE_OK)
        code = ask(f, "PRAGMA user_version", &format);
    if (code != SQLITE_OK)
        return sqlite_file_fail(f, code, "read", err);
    if (application.number != APPLICATION)
        return foreign(f, err);
    if (format.number != FORMAT)
        return format.number > FORMAT ? newer(f, format.number, err)
                                      : damaged(f, "its format is unknown", err);
    if (sqlite.db_readonly(f->db, "main") == 1)
        return fail_as(f, SQLITE_READONLY, err);
    code = ask(f, "PRAGMA quick_check(1)", &sound);
    if (code != SQLITE_OK)
        return sqlite_file_fail(f, code, "read", err);
    return strcmp(sound.text, "ok") == 0 ? WEIR_OK : damaged(f, sound.text, err);
}

static weir_status settle(const struct sqlite_file *f, bool network, weir_error *err)
{
    struct answer mode, ignored;
    int code = ask(f, network ? "PRAGMA journal_mode=TRUNCATE" : "PRAGMA journal_mode=WAL", &mode);
    bool wal = strcmp(mode.text, "wal") == 0;
    if (code == SQLITE_OK)
        code = ask(f, wal ? "PRAGMA synchronous=NORMAL" : "PRAGMA synchronous=FULL", &ignored);
    if (code == SQLITE_OK)
        code = ask(f, "PRAGMA journal_size_limit=4194304", &ignored);
    return code == SQLITE_OK ? WEIR_OK : sqlite_file_fail(f, code, "written", err);
}

weir_status sqlite_file_open(struct sqlite_file *f, struct sqlite_place *place,
                             const struct clock *clock, weir_error *err)
{
    weir_status status = place->missing ? make_locked(f, place, clock, err) : WEIR_OK;
    if (status != WEIR_OK)
        return status;
    place->missing = false;
    errno = 0;
    int code = sqlite.open_v2(place->real, &f->db, FLAGS, NULL);
    if (code != SQLITE_OK)
        return sqlite_file_fail(f, code, "opened", err);
    sqlite.extended_result_codes(f->db, 1);
    sqlite.busy_timeout(f->db, OPEN_MS);
    status = check(f, err);
    return status == WEIR_OK ? settle(f, place->network, err) : status;
}
