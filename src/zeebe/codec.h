/* zeebe/codec.h - the gateway's messages: bytes, structs and JSON of each other. Files named codec*
 * are the only ones that know protobuf-c; a message is described by its descriptor everywhere else.
 *
 * JSON is protojson (https://protobuf.dev/programming-guides/json) as zbctl and grpcurl write it:
 * fields that are unset are shown, except those of a oneof and `optional` ones; 64-bit numbers are
 * texts, enums names, bytes base64. Any thread; nothing here is shared. */
#ifndef ZEEBE_CODEC_H
#define ZEEBE_CODEC_H

#include "core/buf.h"
#include "zeebe/arena.h"
#include <weir/error.h>

struct ProtobufCMessageDescriptor;
struct ProtobufCMessage;

/* ---- which RPCs there are ---- */

struct codec_method {
    const char *path; /* "/gateway_protocol.Gateway/Topology"; the full name is one further on */
    const char *name; /* "Topology" */
    const struct ProtobufCMessageDescriptor *request, *response;
    bool server_streams;
    bool reads; /* repeating it does no harm */
};

enum codec_rpc {
    CODEC_ACTIVATE_JOBS,
    CODEC_STREAM_ACTIVATED_JOBS,
    CODEC_CANCEL_PROCESS_INSTANCE,
    CODEC_COMPLETE_JOB,
    CODEC_CREATE_PROCESS_INSTANCE,
    CODEC_CREATE_PROCESS_INSTANCE_WITH_RESULT,
    CODEC_EVALUATE_DECISION,
    CODEC_DEPLOY_PROCESS,
    CODEC_DEPLOY_RESOURCE,
    CODEC_FAIL_JOB,
    CODEC_THROW_ERROR,
    CODEC_PUBLISH_MESSAGE,
    CODEC_RESOLVE_INCIDENT,
    CODEC_SET_VARIABLES,
    CODEC_TOPOLOGY,
    CODEC_UPDATE_JOB_RETRIES,
    CODEC_MODIFY_PROCESS_INSTANCE,
    CODEC_MIGRATE_PROCESS_INSTANCE,
    CODEC_UPDATE_JOB_TIMEOUT,
    CODEC_DELETE_RESOURCE,
    CODEC_BROADCAST_SIGNAL,
    CODEC_EVALUATE_CONDITIONAL,
    CODEC_CHECK,
    CODEC_WATCH
};

const struct codec_method *codec_method(enum codec_rpc rpc);
/* By "Topology" (of the Gateway service), "gateway_protocol.Gateway/Topology", also with a '.' for
 * the '/' or with a '/' before it. NULL: WEIR_INVALID, which names the nearest. */
const struct codec_method *codec_method_find(const char *rpc, weir_error *err);
const struct codec_method *codec_method_at(size_t index); /* NULL after the last */
const char *const *codec_method_names(void);              /* full names, ended by NULL */
/* The RPC and its messages in protobuf's language, mem_free(). */
char *codec_describe(const struct codec_method *method, weir_error *err);

/* ---- messages ---- */

/* A message and all its memory. */
struct codec_message {
    struct arena arena;
    struct ProtobufCMessage *message;
};

/* Zeroed is empty; fine to free at any time. */
void codec_message_free(struct codec_message *m);
/* WEIR_PROTOCOL: the bytes are no such message, or would take too much memory. Fields that we do
 * not know are skipped. */
weir_status codec_unpack(struct codec_message *out, const struct ProtobufCMessageDescriptor *type,
                         weir_bytes wire, weir_error *err);
/* *wire is mem_free()d by the caller. */
weir_status codec_pack(const struct ProtobufCMessage *message, char **wire, size_t *len,
                       weir_error *err);

/* A JobResult; *wire is mem_free()d by the caller. */
weir_status codec_job_result(const char *text, char **wire, size_t *len, weir_error *err);
/* `text` NULL is {}. WEIR_INVALID names what is wrong with its path: "jobs[0].retries: ...". */
weir_status codec_from_json(struct codec_message *out,
                            const struct ProtobufCMessageDescriptor *type, const char *text,
                            size_t len, weir_error *err);
/* Appends. WEIR_PROTOCOL: a text of the message is not UTF-8. */
weir_status codec_to_json(const struct ProtobufCMessage *message, bool compact, struct buf *out,
                          weir_error *err);

/* Both ways at once; the result is mem_free()d by the caller. */
weir_status codec_json_to_wire(const struct ProtobufCMessageDescriptor *type, const char *text,
                               char **wire, size_t *len, weir_error *err);
char *codec_wire_to_json(const struct ProtobufCMessageDescriptor *type, weir_bytes wire,
                         bool compact, weir_error *err);
#endif
