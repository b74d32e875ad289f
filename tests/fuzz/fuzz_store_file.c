/* Any bytes as a store's file: it is refused by name, or used; never more. */
#include "core/clock.h"
#include "core/deadline.h"
#include "salesforce/store.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static char folder[64];
static char path[128];

static void remove_all(void)
{
    static const char *const suffixes[] = {"", "-wal", "-shm", "-journal", "-lock"};
    char name[160];
    for (size_t i = 0; i < sizeof suffixes / sizeof *suffixes; i++) {
        (void)snprintf(name, sizeof name, "%s%s", path, suffixes[i]);
        (void)unlink(name);
    }
}

static void leave(void)
{
    remove_all();
    (void)rmdir(folder);
}

static void enter(void)
{
    const char *where =
        access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp"; /* no disk to wait for */
    (void)snprintf(folder, sizeof folder, "%s/weir-fuzz-XXXXXX", where);
    if (!mkdtemp(folder) || atexit(leave))
        abort();
    (void)snprintf(path, sizeof path, "%s/replay.db", folder);
}

static void use(weir_replay *store)
{
    struct deadline soon = deadline_in(clock_system(), 1000, 1000);
    struct record record = {0};
    struct store_change change = {"/event/B__e", &record, false};
    struct claim *claim = NULL;
    weir_error err = {0};
    if (store_claim(store, "00D000000000001", "", soon, &claim, &err) != WEIR_OK)
        return;
    weir_status status = store_load(store, claim, "/event/A__e", &record, soon, &err);
    if (status == WEIR_OK && (record.position < 0 || record.began > BEGAN_AFTER))
        abort();
    record = (struct record){.has_position = true, .position = 7};
    (void)store_save(store, claim, &change, 1, soon, &err);
    store_release(store, claim, soon);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    weir_error err = {0};
    if (!*folder)
        enter();
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    if (fd < 0 || write(fd, data, size) != (ssize_t)size || close(fd))
        abort();
    weir_replay *store = weir_replay_sqlite(path, &err);
    if (store)
        use(store);
    else if (!strstr(err.message, path))
        abort();
    weir_replay_free(store);
    remove_all();
    return 0;
}
