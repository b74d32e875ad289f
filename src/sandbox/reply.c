#include "sandbox/reply.h"

#include "sandbox/names.h"
#include "zeebe/codec.h"

#include <stdarg.h>
#include <stdio.h>

bool reply_refuse(struct rpc_reply *reply, int status, const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    (void)vsnprintf(reply->text, sizeof reply->text, fmt, args);
    va_end(args);
    reply->status = status;
    reply->waits = false;
    return false;
}

bool reply_reject(struct rpc_reply *reply, int status, const char *intent, const char *fmt, ...)
{
    va_list args;
    const char *code = status == REPLY_FAILED_PRECONDITION ? "INVALID_STATE" : grpc_name(status);
    int len = snprintf(reply->text, sizeof reply->text,
                       "Command '%s' rejected with code '%s': ", intent, code);
    va_start(args, fmt);
    (void)vsnprintf(reply->text + len, sizeof reply->text - (size_t)len, fmt, args);
    va_end(args);
    reply->status = status;
    reply->waits = false;
    return false;
}

bool reply_no_memory(struct rpc_reply *reply)
{
    return reply_refuse(reply, REPLY_RESOURCE_EXHAUSTED, "the sandbox is out of memory");
}

bool reply_pack(struct rpc_reply *reply, const struct ProtobufCMessage *message)
{
    weir_error err = {0};
    return codec_pack(message, &reply->message, &reply->len, &err) == WEIR_OK ||
           reply_no_memory(reply);
}
