/* core/file.h - whole files. */
#ifndef CORE_FILE_H
#define CORE_FILE_H

#include <weir/error.h>

/* Reads a regular file or pipe of at most `max` bytes; NUL-terminated, mem_free(). `what` names it:
 * "the CA file". Not there or not readable: WEIR_STORE with the path and the system's words; too
 * large: WEIR_INVALID. */
weir_status file_read(const char *path, size_t max, const char *what, char **text, size_t *len,
                      weir_error *err);
/* Through PATH.new, fsync and rename; `mode` is the file's. Processes that may write the same file
 * hold a lock of their own. */
weir_status file_replace(const char *path, const void *data, size_t len, unsigned mode,
                         const char *what, weir_error *err);
#endif
