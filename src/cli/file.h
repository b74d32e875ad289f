/* cli/file.h - files that the command line or a variable names. */
#ifndef CLI_FILE_H
#define CLI_FILE_H

#include <weir/error.h>

/* A whole file ("-": stdin); `len` may be NULL. NULL: WEIR_STORE, or WEIR_INVALID beyond 64 MiB. */
char *cli_read_file(const char *path, size_t *len, weir_error *err);
#endif
