/* cli/table.h - the commands and flags there are. One table, from which come parsing, --help, man
 * pages and completion; nothing else knows a flag's name, variables or default. */
#ifndef CLI_TABLE_H
#define CLI_TABLE_H

#include <weir/error.h>

struct args;
struct zeebe_rpc;

enum flag_kind {
    FLAG_SWITCH = 0, /* --flag, --flag=true, --flag=false */
    FLAG_TEXT,
    FLAG_FILE, /* a text that completes as a file name */
    FLAG_DURATION,
    FLAG_SIZE,
    FLAG_NUMBER,
    FLAG_JSON,     /* literal, @FILE, -, or the path of an existing file */
    FLAG_CHOICE,   /* `value` lists them: "text|json" */
    FLAG_OPTIONAL, /* --flag, --flag=value */
    FLAG_VARIABLE  /* only from the environment: secrets, which do not belong into an argv */
};

/* An array of them ends with a NULL name. A flag without help text is understood, but not shown. */
struct flag {
    const char *name;    /* kebab-case, without the dashes; in `weir zeebe` camelCase, too */
    const char *also;    /* another name, camelCase everywhere, where no flag has it as its own */
    char letter;         /* its short form */
    enum flag_kind kind; /* */
    bool required;       /* */
    bool repeat;         /* every one given counts, not the last */
    bool from_file;      /* each of its variables also as NAME_FILE; secrets always */
    bool secret;         /* shown as *** ; its variables are not inherited by programs */
    const char *value;   /* how help calls the value: "HOST[:PORT]" */
    const char *understood; /* further choices that are not shown */
    const char *env;        /* the variables it is read from, in order: "A B" */
    const char *fallback;   /* its default, as help says it */
    const char *help;       /* */
};

/* Flags that belong together, under one heading. */
struct flag_group {
    const char *title;
    const struct flag *flags;
};

struct command {
    const char *path;                       /* "zeebe call" */
    const char *also;                       /* another path to it */
    const char *args;                       /* "RPC"; "" */
    size_t min_args, max_args;              /* */
    const struct flag_group *const *groups; /* ended by NULL, its own first */
    const char *summary;                    /* one line, no full stop */
    const char *about;                      /* paragraphs, separated by an empty line */
    const char *examples;                   /* lines, two a piece: "# what", "command" */
    bool hidden;                            /* understood, but not shown */
    bool runs_program;                      /* what follows -- is a program */
    int (*run)(const struct args *args);    /* the exit status */
    const struct zeebe_rpc *rpc;            /* what zeebe_rpc_run() does */
};

/* What a path stands for that is no command itself: "", "zeebe". */
struct section {
    const char *path, *summary, *about;
};

struct table {
    const struct command *const *commands; /* ended by NULL, in the order help shows them */
    const struct section *sections;        /* ended by a NULL path */
    const struct flag_group *common;       /* flags of every command */
};

/* Does the path start with the words of `prefix`? "" starts every path. */
bool table_is_below(const char *path, const char *prefix);
const struct section *table_section(const struct table *table, const char *path);
/* The command whose path or other path this is, or NULL. */
const struct command *table_command(const struct table *table, const char *path);
/* Is there a command below the path (or at it)? */
bool table_has(const struct table *table, const char *path);

/* Every flag of a command, its own first, then the common ones. */
struct flag_walk {
    const struct table *table;
    const struct command *command;
    size_t group, flag;
    const struct flag_group *in; /* the group of the flag returned last */
};
const struct flag *flag_next(struct flag_walk *walk);
/* The flag of this name: kebab-case, camelCase where `camel`, or one letter; NULL when there is
 * none. A flag's own name beats another's second name. */
const struct flag *flag_find(const struct table *table, const struct command *command,
                             const char *name, bool camel);
/* Is what follows the flag its value? */
bool flag_takes_value(const struct flag *flag);
/* NULL: the value is one of the flag's kind; else what is wrong with it, to follow it in a message.
 */
const char *flag_check(const struct flag *flag, const char *value);
/* Variables of a flag one by one: index 0.. ; false after the last. `out` has room for 64 bytes. */
bool flag_variable(const struct flag *flag, size_t index, char out[64]);
/* "client-id" as "clientId". */
void flag_camel(const char *name, char *out, size_t size);
#endif
