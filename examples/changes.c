/* A copy of Salesforce's accounts in SQLite: changes DATABASE. What changed and how far we are are
 * one transaction of one database, so that each change is in it exactly once, whatever happens. */
#include <signal.h>
#include <sqlite3.h>
#include <stdio.h>
#include <string.h>
#include <weir/weir.h>

#define CHANNEL "/data/AccountChangeEvent"

static weir_salesforce *sf;

static weir_status run(sqlite3 *db, const char *sql, const char *one, const char *two,
                       weir_error *err)
{
    sqlite3_stmt *statement = NULL;
    int code = sqlite3_prepare_v2(db, sql, -1, &statement, NULL);
    if (one)
        sqlite3_bind_text(statement, 1, one, -1, SQLITE_STATIC);
    if (two)
        sqlite3_bind_text(statement, 2, two, -1, SQLITE_STATIC);
    if (code == SQLITE_OK)
        code = sqlite3_step(statement);
    sqlite3_finalize(statement);
    if (code == SQLITE_DONE || code == SQLITE_OK)
        return WEIR_OK;
    err->status = WEIR_STORE;
    snprintf(err->message, sizeof err->message, "%s", sqlite3_errmsg(db));
    return WEIR_STORE;
}

/* ---- where we are: a table of the same database ------------------------------------------ */

static weir_status load(void *user, const weir_replay_key *key, char *record, weir_error *err)
{
    sqlite3_stmt *statement = NULL;
    weir_status status = WEIR_NOT_FOUND;
    (void)err;
    sqlite3_prepare_v2(user, "SELECT record FROM position WHERE channel = ?", -1, &statement, NULL);
    sqlite3_bind_text(statement, 1, key->channel, -1, SQLITE_STATIC);
    if (sqlite3_step(statement) == SQLITE_ROW) {
        snprintf(record, WEIR_REPLAY_RECORD_SIZE, "%s",
                 (const char *)sqlite3_column_text(statement, 0));
        status = WEIR_OK;
    }
    sqlite3_finalize(statement);
    return status;
}

static weir_status save(void *user, const weir_replay_key *keys, const char *const *records,
                        size_t count, weir_error *err)
{
    weir_status status = WEIR_OK;
    for (size_t i = 0; i < count && status == WEIR_OK; i++)
        status = run(user, "REPLACE INTO position VALUES (?, ?)", keys[i].channel, records[i], err);
    return status;
}

/* ---- what changed ------------------------------------------------------------------------ */

static weir_status apply(sqlite3 *db, const weir_event *event, weir_error *err)
{
    const weir_json *data = weir_event_json(event);
    const char *type = weir_json_str(data, "/payload/ChangeEventHeader/changeType", "");
    const char *id = weir_json_str(data, "/payload/ChangeEventHeader/recordIds/0", "");
    if (strcmp(type, "DELETE") == 0)
        return run(db, "DELETE FROM account WHERE id = ?", id, NULL, err);
    return run(db,
               "INSERT INTO account VALUES (?1, ?2) ON CONFLICT (id) DO UPDATE SET "
               "name = coalesce(?2, name)",
               id, weir_json_str(data, "/payload/Name", NULL), err);
}

static weir_status take(sqlite3 *db, const weir_event *event, weir_error *err)
{
    weir_status status = run(db, "BEGIN IMMEDIATE", NULL, NULL, err);
    if (status == WEIR_OK)
        status = apply(db, event, err);
    if (status == WEIR_OK) /* calls save(): in the same transaction */
        status = weir_salesforce_ack(sf, event, err);
    if (status == WEIR_OK)
        status = run(db, "COMMIT", NULL, NULL, err);
    if (status == WEIR_OK)
        printf("%s\n", weir_event_attr(event, "replayid"));
    fflush(stdout);
    return status;
}

static void on_signal(int number)
{
    (void)number;
    weir_salesforce_stop(sf);
}

static sqlite3 *open_database(const char *path, weir_error *err)
{
    sqlite3 *db = NULL;
    sqlite3_open(path, &db);
    sqlite3_busy_timeout(db, 10000); /* while others read */
    if (run(db, "CREATE TABLE IF NOT EXISTS account (id PRIMARY KEY, name)", NULL, NULL, err) ==
        WEIR_OK)
        run(db, "CREATE TABLE IF NOT EXISTS position (channel PRIMARY KEY, record)", NULL, NULL,
            err);
    return db;
}

int main(int argc, char **argv)
{
    weir_error err = {0};
    weir_event *event = NULL;
    sqlite3 *db = open_database(argc > 1 ? argv[1] : "accounts.db", &err);
    weir_replay *store = weir_replay_custom(WEIR_REPLAY_OPS(.load = load, .save = save), db, &err);
    sf = weir_salesforce_open(
        WEIR_SALESFORCE(.channel = CHANNEL, .replay = store, .manual_ack = true), &err);
    signal(SIGINT, on_signal);
    signal(SIGTERM, on_signal);
    while (weir_salesforce_next(sf, &event, WEIR_FOREVER, &err) == WEIR_OK ||
           weir_error_retryable(&err)) {
        if (event && take(db, event, &err) != WEIR_OK)
            break;
        weir_event_free(event);
        event = NULL;
    }
    weir_event_free(event);
    weir_salesforce_close(sf);
    weir_replay_free(store);
    sqlite3_close(db);
    return weir_error_exit(&err, "changes");
}
