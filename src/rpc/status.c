/* Three tables: what peers say at three levels, and what it means to a caller. */
#include "rpc/status.h"

#include "core/error.h"

#include <string.h>
#include <strings.h>

static const struct {
    const char *name;
    weir_status status;
} grpc[] = {
    {"OK", WEIR_OK},
    {"CANCELLED", WEIR_REFUSED},
    {"UNKNOWN", WEIR_REFUSED},
    {"INVALID_ARGUMENT", WEIR_INVALID},
    {"DEADLINE_EXCEEDED", WEIR_TIMEOUT},
    {"NOT_FOUND", WEIR_NOT_FOUND},
    {"ALREADY_EXISTS", WEIR_CONFLICT},
    {"PERMISSION_DENIED", WEIR_FORBIDDEN},
    {"RESOURCE_EXHAUSTED", WEIR_BUSY},
    {"FAILED_PRECONDITION", WEIR_CONFLICT},
    {"ABORTED", WEIR_CONFLICT},
    {"OUT_OF_RANGE", WEIR_INVALID},
    {"UNIMPLEMENTED", WEIR_UNSUPPORTED},
    {"INTERNAL", WEIR_REFUSED},
    {"UNAVAILABLE", WEIR_UNREACHABLE},
    {"DATA_LOSS", WEIR_PROTOCOL},
    {"UNAUTHENTICATED", WEIR_BAD_LOGIN},
};

#define GRPC_COUNT ((int)(sizeof grpc / sizeof *grpc))

const char *status_grpc_name(int grpc_status)
{
    return grpc_status >= 0 && grpc_status < GRPC_COUNT ? grpc[grpc_status].name : "UNKNOWN";
}

/* RESOURCE_EXHAUSTED is also what gRPC's libraries say of a message above their limit: no use
 * repeating that. */
static bool speaks_of_a_size(const char *message)
{
    return strcasestr(message, "larger than max") || strcasestr(message, "exceeds maximum size") ||
           strcasestr(message, "message too large") ||
           strcasestr(message, "exceeds maximum length");
}

static weir_status meaning(int grpc_status)
{
    return grpc_status > 0 && grpc_status < GRPC_COUNT ? grpc[grpc_status].status : WEIR_REFUSED;
}

weir_status status_grpc(weir_error *err, int grpc_status, const char *message)
{
    const char *words = message ? message : "";
    if (grpc_status == GRPC_OK)
        return error_ok(err);
    weir_status status = meaning(grpc_status);
    bool size = status == WEIR_BUSY && speaks_of_a_size(words);
    if (size)
        status = WEIR_INVALID;
    error_peer(err, status, WEIR_ORIGIN_GRPC, grpc_status, "the server answered %s%s%s",
               status_grpc_name(grpc_status), *words ? ": " : "", words);
    if (size && err)
        err->kind = WEIR_KIND_MESSAGE_TOO_LARGE;
    return status;
}

static const struct {
    int http, grpc;
    weir_status status;
    const char *advice;
} https[] = {
    {400, GRPC_INTERNAL, WEIR_REFUSED, "is this a gRPC port?"},
    {401, 16, WEIR_BAD_LOGIN, "the credentials were refused"},
    {403, 7, WEIR_FORBIDDEN, "these credentials may not do this"},
    {404, GRPC_UNIMPLEMENTED, WEIR_UNSUPPORTED, "no gRPC service is there: check address and path"},
    {429, GRPC_UNAVAILABLE, WEIR_BUSY, "try again later"},
    {502, GRPC_UNAVAILABLE, WEIR_UNREACHABLE, "a proxy cannot reach the gateway"},
    {503, GRPC_UNAVAILABLE, WEIR_UNREACHABLE, "the gateway, or a proxy before it, is not ready"},
    {504, GRPC_UNAVAILABLE, WEIR_UNREACHABLE, "a proxy got no answer from the gateway in time"},
};

/* The words of an HTML page, because a line of an error has no room for its tags. */
static void without_tags(char *out, size_t size, const char *body)
{
    size_t len = 0;
    bool tag = false;
    for (; *body && len + 1 < size; body++) {
        char c = *body;
        if (c == '<' || c == '>') {
            tag = c == '<';
            c = ' ';
        } else if (tag) {
            continue;
        }
        if (c != ' ' || (len > 0 && out[len - 1] != ' '))
            out[len++] = c;
    }
    while (len > 0 && out[len - 1] == ' ')
        len--;
    out[len] = '\0';
}

int status_http(weir_error *err, int http_status, const char *body)
{
    char words[512] = "";
    const char *advice = "is this a gRPC port, and does the proxy before it forward gRPC?";
    weir_status status = http_status >= 500 ? WEIR_REFUSED : WEIR_PROTOCOL;
    int code = GRPC_UNKNOWN;
    for (size_t i = 0; i < sizeof https / sizeof *https; i++) {
        if (https[i].http == http_status) {
            status = https[i].status;
            code = https[i].grpc;
            advice = https[i].advice;
        }
    }
    if (body && *body == '<')
        without_tags(words, sizeof words, body);
    const char *shown = *words || !body ? words : body;
    error_peer(err, status, WEIR_ORIGIN_HTTP, http_status,
               "the answer is HTTP status %d, not gRPC%s%s; %s", http_status, *shown ? ": " : "",
               shown, advice);
    return code;
}

static const char *const h2_names[] = {
    "NO_ERROR",
    "PROTOCOL_ERROR",
    "INTERNAL_ERROR",
    "FLOW_CONTROL_ERROR",
    "SETTINGS_TIMEOUT",
    "STREAM_CLOSED",
    "FRAME_SIZE_ERROR",
    "REFUSED_STREAM",
    "CANCEL",
    "COMPRESSION_ERROR",
    "CONNECT_ERROR",
    "ENHANCE_YOUR_CALM",
    "INADEQUATE_SECURITY",
    "HTTP_1_1_REQUIRED",
};

const char *status_h2_name(uint32_t code)
{
    return code < sizeof h2_names / sizeof *h2_names ? h2_names[code] : "an unknown code";
}

int status_reset(weir_error *err, uint32_t code)
{
    static const struct {
        uint32_t code;
        int grpc;
        weir_status status;
    } resets[] = {
        {7, GRPC_UNAVAILABLE, WEIR_UNREACHABLE},  {8, GRPC_CANCELLED, WEIR_REFUSED},
        {11, GRPC_RESOURCE_EXHAUSTED, WEIR_BUSY}, {12, 7, WEIR_FORBIDDEN},
        {3, GRPC_INTERNAL, WEIR_PROTOCOL},        {1, GRPC_INTERNAL, WEIR_PROTOCOL},
    };
    int grpc_status = GRPC_INTERNAL;
    weir_status status = WEIR_REFUSED;
    for (size_t i = 0; i < sizeof resets / sizeof *resets; i++) {
        if (resets[i].code == code) {
            grpc_status = resets[i].grpc;
            status = resets[i].status;
        }
    }
    error_peer(err, status, WEIR_ORIGIN_GRPC, grpc_status,
               "the server reset the call (RST_STREAM %s) before it was answered",
               status_h2_name(code));
    return grpc_status;
}
