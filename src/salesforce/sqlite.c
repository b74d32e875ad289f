/* SQLite, loaded once. A failure is not remembered: the package may be installed meanwhile. */
#include "salesforce/sqlite.h"

#include "core/error.h"
#include "core/lazy.h"

#include <pthread.h>

struct sqlite sqlite;

#define FUNCTION(name)                                                                             \
    {                                                                                              \
        "sqlite3_" #name, (void (**)(void)) & sqlite.name                                          \
    }

static const struct lazy_symbol symbols[] = {
    FUNCTION(threadsafe),     FUNCTION(open_v2),
    FUNCTION(close),          FUNCTION(extended_result_codes),
    FUNCTION(busy_timeout),   FUNCTION(db_readonly),
    FUNCTION(get_autocommit), FUNCTION(file_control),
    FUNCTION(system_errno),   FUNCTION(errmsg),
    FUNCTION(exec),           FUNCTION(prepare_v3),
    FUNCTION(finalize),       FUNCTION(step),
    FUNCTION(reset),          FUNCTION(bind_int64),
    FUNCTION(bind_null),      FUNCTION(bind_text),
    FUNCTION(column_type),    FUNCTION(column_int64),
    FUNCTION(column_text),    {0},
};

static weir_status load(weir_error *err)
{
    weir_status status = lazy_load("libsqlite3.so.0", "libsqlite3-0", symbols, err);
    if (status != WEIR_OK || sqlite.threadsafe())
        return status;
    return error_set(err, WEIR_UNSUPPORTED,
                     "libsqlite3.so.0 was built without threads; install the package libsqlite3-0");
}

weir_status sqlite_load(weir_error *err)
{
    static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
    static bool loaded; /* @locked */
    pthread_mutex_lock(&lock);
    weir_status status = loaded ? WEIR_OK : load(err);
    loaded = status == WEIR_OK;
    pthread_mutex_unlock(&lock);
    return status;
}
