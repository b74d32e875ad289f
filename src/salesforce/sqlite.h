/* salesforce/sqlite.h - SQLite's functions, found when the first store in a file is opened
 * (docs/decisions/0001). Only these are called; the header's prototypes name a library that is not
 * linked. */
#ifndef SALESFORCE_SQLITE_H
#define SALESFORCE_SQLITE_H

#include <sqlite3.h>
#include <weir/error.h>

struct sqlite {
    int (*threadsafe)(void);
    int (*open_v2)(const char *name, sqlite3 **db, int flags, const char *vfs);
    int (*close)(sqlite3 *db);
    int (*extended_result_codes)(sqlite3 *db, int on);
    int (*busy_timeout)(sqlite3 *db, int ms);
    int (*db_readonly)(sqlite3 *db, const char *name);
    int (*get_autocommit)(sqlite3 *db);
    int (*file_control)(sqlite3 *db, const char *name, int op, void *arg);
    int (*system_errno)(sqlite3 *db);
    const char *(*errmsg)(sqlite3 *db);
    int (*exec)(sqlite3 *db, const char *sql, int (*row)(void *, int, char **, char **), void *user,
                char **message);
    int (*prepare_v3)(sqlite3 *db, const char *sql, int len, unsigned flags, sqlite3_stmt **out,
                      const char **tail);
    int (*finalize)(sqlite3_stmt *statement);
    int (*step)(sqlite3_stmt *statement);
    int (*reset)(sqlite3_stmt *statement);
    int (*bind_int64)(sqlite3_stmt *statement, int at, sqlite3_int64 value);
    int (*bind_null)(sqlite3_stmt *statement, int at);
    int (*bind_text)(sqlite3_stmt *statement, int at, const char *text, int len,
                     void (*destroy)(void *));
    int (*column_type)(sqlite3_stmt *statement, int at);
    sqlite3_int64 (*column_int64)(sqlite3_stmt *statement, int at);
    const unsigned char *(*column_text)(sqlite3_stmt *statement, int at);
};

extern struct sqlite sqlite; /* filled once sqlite_load() has returned WEIR_OK, constant after */

/* Any thread, cheap after the first time. WEIR_UNSUPPORTED names the package to install. */
weir_status sqlite_load(weir_error *err);
#endif
