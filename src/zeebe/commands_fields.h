/* zeebe/commands_fields.h - how an options struct becomes a request: a table with a row for each
 * field of the protocol. Any thread. */
#ifndef ZEEBE_COMMANDS_FIELDS_H
#define ZEEBE_COMMANDS_FIELDS_H

#include "core/buf.h"

enum field_kind {
    FIELD_TEXT,      /* const char *: UTF-8; NULL is left out                               */
    FIELD_VARIABLES, /* const char *: a JSON object; NULL is left out                       */
    FIELD_RESULT,    /* const char *: a JobResult as protojson; NULL is left out            */
    FIELD_TEXTS,     /* const char *const *: ended by NULL                                  */
    FIELD_INT32,
    FIELD_INT64,
    FIELD_BOOL,
    FIELD_LIST, /* of structs, ended by one of zeros; `inner` describes them            */
    FIELD_IDS   /* as FIELD_TEXTS, each in a message (of messages) of its own            */
};

/* Numbers below 0 are refused unless they are names of the API. */
struct field {
    enum field_kind kind;
    unsigned char number;
    unsigned char depth; /* of FIELD_IDS: messages around each; at least 1               */
    bool required;
    bool present; /* an empty text is sent, too */
    size_t offset;
    const char *name;
    int64_t usual; /* of a number that is 0                                              */
    const struct fields *inner;
};

struct fields {
    const struct field *list;
    size_t count;
    size_t size; /* of the struct */
};

#define FIELD_AT(type, member) .offset = offsetof(type, member), .name = #member
#define FIELDS_OF(type, rows)                                                                      \
    {                                                                                              \
        rows, sizeof(rows) / sizeof((rows)[0]), sizeof(type)                                       \
    }

/* WEIR_INVALID names the field; `who` is the function that was called. */
weir_status fields_write(struct buf *out, const struct fields *fields, const void *from,
                         const char *who, weir_error *err);
/* WEIR_INVALID with line and column, kind INVALID_VARIABLES: `text` is no JSON object. */
weir_status fields_check_variables(const char *text, const char *name, const char *who,
                                   weir_error *err);
#endif
