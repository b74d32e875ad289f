/* zeebe/commands_files.h - what is to be deployed, gathered from files, memory and a folder. */
#ifndef ZEEBE_COMMANDS_FILES_H
#define ZEEBE_COMMANDS_FILES_H

#include <weir/resources.h>

struct named_file {
    const char *name; /* of the program's, or in `path` */
    const char *data;
    size_t len;
    char *path, *read; /* ours, or NULL */
};

struct named_files {
    struct named_file *list;
    size_t count, room;
    size_t bytes; /* about what all of it takes in a request */
};

/* Files, then memory, then the folder's in the order of the alphabet. WEIR_INVALID: nothing, two of
 * one name, too much. WEIR_STORE: what could not be read. `files` is files_free()d in any case. */
weir_status files_gather(struct named_files *files, const weir_deploy *what, weir_error *err);
void files_free(struct named_files *files);
#endif
