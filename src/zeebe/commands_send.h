/* zeebe/commands_send.h - what all typed commands do: options to a request, then wait for its
 * answer or return a call. Any thread. */
#ifndef ZEEBE_COMMANDS_SEND_H
#define ZEEBE_COMMANDS_SEND_H

#include "zeebe/codec_results.h"
#include "zeebe/commands_fields.h"
#include "zeebe/zeebe.h"

#include <weir/job_commands.h>
#include <weir/modify.h>

/* What is asked of weir_zeebe_health(). */
struct health_question {
    size_t struct_size;
    const char *service;
};

union command_options {
    weir_create_instance create;
    weir_cancel_instance cancel;
    weir_set_variables set_variables;
    weir_resolve_incident resolve;
    weir_publish publish;
    weir_broadcast broadcast;
    weir_deploy deploy;
    weir_delete_resource delete_resource;
    weir_evaluate evaluate;
    weir_modify_instance modify;
    weir_migrate_instance migrate;
    weir_complete_job complete;
    weir_fail_job fail;
    weir_throw_error throw_error;
    weir_update_retries update_retries;
    weir_update_timeout update_timeout;
    struct health_question health;
};

struct request;

/* A command: constant. */
struct command_spec {
    enum codec_rpc rpc;
    const char *who;   /* the function, for errors                                           */
    const char *macro; /* that fills the options                                             */
    struct fields fields;
    /* What the table cannot say; either may be NULL. Writing is fields_write() then. */
    weir_status (*check)(const union command_options *o, const char *who, weir_error *err);
    weir_status (*write)(struct request *r, weir_error *err);
};

/* One that is being made. */
struct request {
    const struct command_spec *spec;
    weir_channel *channel;
    union command_options options; /* read, of today's size */
    weir_ms timeout;               /* as it was given       */
    struct deadline until;
    struct buf wire;
};

/* Does it, and checks that the answer is one. */
weir_status send_command(weir_zeebe *zeebe, const struct command_spec *spec, const void *what,
                         weir_ms timeout, weir_error *err);
/* `key` NULL: nobody asks. */
weir_status send_for_key(weir_zeebe *zeebe, const struct command_spec *spec, const void *what,
                         int64_t *key, weir_ms timeout, weir_error *err);
void *send_for(weir_zeebe *zeebe, const struct command_spec *spec, const void *what,
               codec_reader *reader, weir_ms timeout, weir_error *err);
/* The answer is mem_free()d by the caller. */
weir_status send_for_bytes(weir_zeebe *zeebe, const struct command_spec *spec, const void *what,
                           weir_ms timeout, weir_bytes *answer, weir_error *err);
weir_call *send_start(weir_zeebe *zeebe, const struct command_spec *spec, const void *what,
                      weir_ms timeout, weir_error *err);
#endif
