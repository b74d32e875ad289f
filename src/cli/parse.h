/* cli/parse.h - from argv to a command with its flags, arguments and program. */
#ifndef CLI_PARSE_H
#define CLI_PARSE_H

#include "cli/str.h"
#include "cli/table.h"

struct given {
    const struct flag *flag;
    const char *spelled; /* as it was written, without dashes and value */
    const char *value;   /* "true" for a bare switch */
};

/* Texts point into argv. */
struct args {
    const struct table *table;
    const struct command *command; /* NULL with `help`: help for `path` */
    char *path;                    /* the words that named the command: "zeebe call" */
    struct given *given;
    size_t given_count;
    char **words; /* the arguments */
    size_t word_count;
    char **program; /* what follows --, ended by NULL; NULL: there was no -- */
    bool help, version;
};

/* False: `complaint` says in one line what is wrong with the command line (status 64). End with
 * args_free() in any case. `argv` and the table must outlive *args. */
bool args_parse(struct args *args, const struct table *table, int argc, char **argv,
                struct str *complaint);
void args_free(struct args *args);
/* Whether `-o json` (in any of its forms) stands in front of a --: known before parsing, so that
 * even a wrong command line is answered in JSON. */
bool args_want_json(int argc, char **argv);
/* The first word of the path, "" when there is none; `out` has room for 32 bytes. */
const char *args_area(const struct args *args, char out[32]);

/* Of a flag by name: its last value on the command line, or NULL. */
const char *args_text(const struct args *args, const char *name);
bool args_has(const struct args *args, const char *name);
bool args_switch(const struct args *args, const char *name);
/* The index-th value of a flag that may be repeated, or NULL. */
const char *args_each(const struct args *args, const char *name, size_t index);
#endif
