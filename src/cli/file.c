/* Reading a file that the command line or a variable names. */
#include "cli/file.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "cli/fail.h"
#include "cli/str.h"

#define LARGEST_FILE (64 * 1024 * 1024) /* no gateway takes a message near that */

static FILE *open_file(const char *path, weir_error *err)
{
    if (strcmp(path, "-") == 0)
        return stdin;
    FILE *file = fopen(path, "re");
    if (!file)
        (void)fail_set_system(err, errno, "cannot read %s", path);
    return file;
}

char *cli_read_file(const char *path, size_t *len, weir_error *err)
{
    FILE *file = open_file(path, err);
    if (!file)
        return NULL;
    struct str text = {0};
    char block[16384];
    size_t got;
    str_add(&text, "");
    while ((got = fread(block, 1, sizeof block, file)) > 0 && text.len <= LARGEST_FILE)
        str_add_bytes(&text, block, got);
    bool failed = ferror(file) != 0;
    int errnum = errno;
    const char *name = file == stdin ? "standard input" : path;
    if (file != stdin)
        (void)fclose(file);
    explicit_bzero(block, sizeof block);
    if (failed)
        (void)fail_set_system(err, errnum, "cannot read %s", name);
    else if (text.len > LARGEST_FILE)
        (void)fail_set(err, WEIR_INVALID, "%s is larger than 64 MiB", name);
    if (failed || text.len > LARGEST_FILE) {
        str_free(&text);
        return NULL;
    }
    if (len)
        *len = text.len;
    return text.data;
}
