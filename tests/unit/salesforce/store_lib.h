/* What the tests of the store in a file share. */
#ifndef UNIT_SALESFORCE_STORE_LIB_H
#define UNIT_SALESFORCE_STORE_LIB_H

#include "core/deadline.h"
#include "salesforce/store.h"

#define ORG     "00D000000000001"
#define CHANNEL "/event/A__e"

struct fixture {
    char folder[64], path[128], other[192];
    weir_error err;
};

struct deadline within(weir_ms limit);
/* A folder of its own. */
int file_setup(void **state);
int file_teardown(void **state);
/* Must succeed; err is cleared before. */
weir_replay *opened(struct fixture *f, const char *path);
/* ORG, group "". */
struct claim *claimed(struct fixture *f, weir_replay *store);
weir_status try_save(struct fixture *f, weir_replay *store, const struct claim *claim,
                     int64_t position);
int64_t position_of(struct fixture *f, weir_replay *store, const struct claim *claim);
/* A store with this position of CHANNEL, closed again. */
void made_with(struct fixture *f, int64_t position);
void must_have(struct fixture *f, int64_t position);
void written(const char *path, const void *data, size_t len);
/* By SQLite itself, from outside. */
void executed(const char *path, const char *sql);
/* In a child: ends it with 1 unless it is good. */
void see(bool good, const char *what, const weir_error *err);

#define FILE_TEST(test) cmocka_unit_test_setup_teardown(test, file_setup, file_teardown)

#endif
