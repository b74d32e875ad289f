/* Whole files: read with a limit, replaced atomically. */
#include "core/file.h"

#include "core/error.h"
#include "core/mem.h"
#include "core/secret.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* Reads to the end or to `max` + 1 bytes; returns the number, or -1 with errno. */
static ssize_t read_all(int fd, char *out, size_t max)
{
    size_t len = 0;
    while (len <= max) {
        ssize_t got = read(fd, out + len, max + 1 - len);
        if (got < 0 && errno == EINTR)
            continue;
        if (got <= 0)
            return got < 0 ? -1 : (ssize_t)len;
        len += (size_t)got;
    }
    return (ssize_t)len;
}

weir_status file_read(const char *path, size_t max, const char *what, char **text, size_t *len,
                      weir_error *err)
{
    *text = NULL;
    *len = 0;
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return error_system(err, WEIR_STORE, errno, "%s: cannot open '%s'", what, path);
    char *data = mem_zalloc(max + 2);
    ssize_t got = data ? read_all(fd, data, max) : 0;
    int why = errno;
    close(fd);
    if (!data)
        return error_no_memory(err);
    if (got >= 0 && (size_t)got <= max) {
        *len = (size_t)got;
        *text = mem_dup(data, *len);
    }
    secret_wipe(data, got > 0 ? (size_t)got : 0); /* the rest was never touched */
    mem_free(data);
    if (got < 0)
        return error_system(err, WEIR_STORE, why, "%s: cannot read '%s'", what, path);
    if ((size_t)got > max)
        return error_set(err, WEIR_INVALID, "%s: '%s' is larger than %zu bytes", what, path, max);
    return *text ? WEIR_OK : error_no_memory(err);
}

static weir_status write_all(int fd, const char *data, size_t len)
{
    while (len > 0) {
        ssize_t put = write(fd, data, len);
        if (put < 0 && errno == EINTR)
            continue;
        if (put <= 0)
            return WEIR_STORE;
        data += put;
        len -= (size_t)put;
    }
    return fsync(fd) ? WEIR_STORE : WEIR_OK;
}

weir_status file_replace(const char *path, const void *data, size_t len, unsigned mode,
                         const char *what, weir_error *err)
{
    char temporary[4096];
    int need = snprintf(temporary, sizeof temporary, "%s.new", path);
    if (need < 0 || (size_t)need >= sizeof temporary)
        return error_set(err, WEIR_INVALID, "%s: the path is too long", what);
    unlink(temporary); /* of a process that was killed here: never more than one is left */
    int fd = open(temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, (mode_t)mode);
    if (fd < 0)
        return error_system(err, WEIR_STORE, errno, "%s: cannot create '%s'", what, temporary);
    weir_status status = write_all(fd, data, len);
    int why = errno;
    if (close(fd) && status == WEIR_OK) {
        status = WEIR_STORE;
        why = errno;
    }
    if (status == WEIR_OK && rename(temporary, path)) {
        status = WEIR_STORE;
        why = errno;
    }
    if (status == WEIR_OK)
        return WEIR_OK;
    unlink(temporary);
    return error_system(err, status, why, "%s: cannot write '%s'", what, path);
}
