/* cli/zeebe_rpc.h - a command of `weir zeebe` that is one RPC, as data: how arguments and flags
 * become members of the request, and what is said of the answer. */
#ifndef CLI_ZEEBE_RPC_H
#define CLI_ZEEBE_RPC_H

#include "cli/parse.h"

/* What a member is made of. Names of arguments and flags stand in every complaint. */
enum zeebe_as {
    AS_TEXT = 0,
    AS_NUMBER,     /* of 32 bits */
    AS_KEY,        /* of 64 bits, from 1; also in quotes, as JSON shows it */
    AS_REFERENCE,  /* of 64 bits without sign */
    AS_SWITCH,     /* true, or left out */
    AS_DURATION,   /* in milliseconds */
    AS_VARIABLES,  /* a text that holds a JSON object */
    AS_LIST,       /* texts separated by commas; the flag may be repeated */
    AS_ID_NOT_KEY, /* the argument, unless it is a number; then it is for the next row: */
    AS_KEY_NOT_ID
};

/* A request being built. Errors of usage (64) are told apart from bad data (65) by `usage`. */
struct zeebe_request {
    const struct args *args;
    struct str json;
    weir_ms timeout; /* of the whole command */
    bool usage;
};

struct zeebe_field;
typedef weir_status zeebe_add_fn(struct zeebe_request *request, const struct zeebe_field *field,
                                 weir_error *err);

/* An array of them ends with a NULL member. */
struct zeebe_field {
    const char *member;
    const char *flag; /* NULL: the command's argument */
    enum zeebe_as as;
    const char
        *otherwise;    /* what counts when the flag is not given; NULL: the member is left out */
    zeebe_add_fn *add; /* adds it, and whatever else it likes, instead of `as` */
};

struct zeebe_rpc {
    const char *name; /* "CancelProcessInstance" */
    const struct zeebe_field *fields;
    const char
        *text; /* "... with key '{member}'", of the request or else of the answer, "{go:member}"
                  as a duration of Go's; NULL: the answer itself, as with -o json */
    const char *merged;    /* of a stream of answers: the member whose elements are put together */
    const char *with_flag; /* where this flag is given, */
    const struct zeebe_rpc *with_rpc; /* this is the RPC */
    zeebe_add_fn *check;              /* of what flags there are, before anything else */
};

/* The RPC of a command with these flags. */
const struct zeebe_rpc *zeebe_rpc_of(const struct args *args);
/* Builds the request; nothing is connected. zeebe_request_free() it in any case. */
weir_status zeebe_request_build(struct zeebe_request *out, const struct args *args,
                                weir_error *err);
void zeebe_request_free(struct zeebe_request *request);
/* The text of an answer: `rpc->text` with its names replaced. */
void zeebe_rpc_text(struct str *out, const struct zeebe_rpc *rpc, const char *request,
                    const char *answer);
/* Adds the elements of the one list that a message holds, with the blanks in front of them; then
 * the document of all. */
void zeebe_merge(struct str *all, const char *message);
void zeebe_merged_text(struct str *out, const struct zeebe_rpc *rpc, const struct str *all);
/* The command: its exit status. */
int zeebe_rpc_run(const struct args *args);

/* ---- for fields that add themselves ------------------------------------------------------- */

/* `"name":` with the comma in front of it that may be due; NULL: only the comma, for an element. */
void zeebe_add_name(struct str *json, const char *name);
/* All the members that the rows say. */
weir_status zeebe_add_fields(struct zeebe_request *request, const struct zeebe_field *fields,
                             weir_error *err);
/* A key written as `text`; `what` names it in a complaint. */
weir_status zeebe_add_key(struct zeebe_request *request, const char *text, const char *what,
                          weir_error *err);
/* A text that `what` stands for. */
weir_status zeebe_add_text(struct zeebe_request *request, const char *text, const char *what,
                           weir_error *err);
weir_status zeebe_usage(struct zeebe_request *request, weir_error *err, const char *fmt, ...)
    WEIR_PRINTF(3, 4);
/* A JSON object as a text; `flag` as json_arg_object() has it. */
weir_status zeebe_add_variables(struct zeebe_request *request, const char *text, const char *flag,
                                weir_error *err);
zeebe_add_fn zeebe_add_wait;      /* how long the gateway may wait before it answers */
zeebe_add_fn zeebe_add_resources; /* the files and folders to deploy */
zeebe_add_fn zeebe_add_starts, zeebe_add_activate, zeebe_add_terminate, zeebe_add_mappings;
zeebe_add_fn zeebe_add_plan;      /* the members of the object in --plan */
zeebe_add_fn zeebe_add_migration; /* --plan as a member, or what flags say instead of it */
zeebe_add_fn zeebe_check_modify, zeebe_check_migrate;
#endif
