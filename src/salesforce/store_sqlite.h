/* salesforce/store_sqlite.h - the parts of the store in a file: where it lies and who holds it,
 * opening it, using it. */
#ifndef SALESFORCE_STORE_SQLITE_H
#define SALESFORCE_STORE_SQLITE_H

#include "salesforce/sqlite.h"
#include "salesforce/store.h"

#define SQLITE_STORE_PATH 4096

/* Where a store's file lies. The lock file beside it is made when it is missing and never removed:
 * whoever removed it would take it from under somebody else's lock. */
struct sqlite_place {
    char real[SQLITE_STORE_PATH]; /* symbolic links resolved: SQLite's side files lie beside it */
    char made[SQLITE_STORE_PATH]; /* while it is made */
    char lock[SQLITE_STORE_PATH];
    bool missing; /* the file is not there */
    bool network; /* on a network's file system */
};

/* `what` names the store in errors. WEIR_STORE: no regular file, empty, two names, nowhere. */
weir_status sqlite_place_find(struct sqlite_place *out, const char *path, const char *what,
                              weir_error *err);

/* A lock on one byte of the lock file: it ends with close() or with the process, and two of one
 * process conflict, too. */
#define SQLITE_LOCK_MAKING 0 /* the file is being made */
int64_t sqlite_lock_byte(const char *organisation,
                         const char *group); /* never SQLITE_LOCK_MAKING */
/* WEIR_CONFLICT: somebody has it. */
weir_status sqlite_lock_take(const char *lock_path, int64_t byte, const char *what, int *fd,
                             weir_error *err);

/* An open store's file. */
struct sqlite_file {
    sqlite3 *db;
    const char *what;
};

/* Makes the file if it is missing, opens and checks it. */
weir_status sqlite_file_open(struct sqlite_file *file, struct sqlite_place *place,
                             const struct clock *clock, weir_error *err);
/* Of a failed call: `code` is what it returned, `doing` is "read", "written"; errno was cleared
 * before it and is as it left it. */
weir_status sqlite_file_fail(const struct sqlite_file *file, int code, const char *doing,
                             weir_error *err);
/* WEIR_STORE: what lies at the path is not the file that was opened. */
weir_status sqlite_file_here(const struct sqlite_file *file, weir_error *err);

#define SQLITE_STORE_GO_ON                                                                         \
    "move it away and listen again from \"all\" (--replay all), or give another file"
#endif
