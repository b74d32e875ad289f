/* Three tables: what peers say at three levels, and what it means to a caller. */
#include "rpc/status.h"

#include "core/error.h"

#include <nghttp2/nghttp2.h>
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
    {408, GRPC_UNAVAILABLE, WEIR_TIMEOUT, "a proxy waited in vain for the call to go on"},
    {429, GRPC_UNAVAILABLE, WEIR_BUSY, "try again later"},
    {502, GRPC_UNAVAILABLE, WEIR_UNREACHABLE, "a proxy cannot reach the gateway"},
    {503, GRPC_UNAVAILABLE, WEIR_UNREACHABLE, "the gateway, or a proxy before it, is not ready"},
    {504, GRPC_UNAVAILABLE, WEIR_UNREACHABLE, "a proxy got no answer from the gateway in time"},
    /* Cloudflare's own: it cannot reach what is behind it, or that is silent. */
    {520, GRPC_UNAVAILABLE, WEIR_UNREACHABLE, "a proxy got no proper answer from the gateway"},
    {521, GRPC_UNAVAILABLE, WEIR_UNREACHABLE, "a proxy cannot reach the gateway"},
    {522, GRPC_UNAVAILABLE, WEIR_UNREACHABLE, "a proxy cannot reach the gateway"},
    {523, GRPC_UNAVAILABLE, WEIR_UNREACHABLE, "a proxy cannot reach the gateway"},
    {524, GRPC_UNAVAILABLE, WEIR_UNREACHABLE, "a proxy got no answer from the gateway in time"},
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

static const struct {
    uint32_t code;
    int grpc;
    weir_status status;
} resets[] = {
    {NGHTTP2_REFUSED_STREAM, GRPC_UNAVAILABLE, WEIR_UNREACHABLE},
    {NGHTTP2_CANCEL, GRPC_CANCELLED, WEIR_REFUSED},
    {NGHTTP2_ENHANCE_YOUR_CALM, GRPC_RESOURCE_EXHAUSTED, WEIR_BUSY},
    {NGHTTP2_INADEQUATE_SECURITY, GRPC_PERMISSION_DENIED, WEIR_FORBIDDEN},
    {NGHTTP2_FLOW_CONTROL_ERROR, GRPC_INTERNAL, WEIR_PROTOCOL},
    {NGHTTP2_PROTOCOL_ERROR, GRPC_INTERNAL, WEIR_PROTOCOL},
};

static int map_reset(uint32_t code, weir_status *status)
{
    for (size_t i = 0; i < sizeof resets / sizeof *resets; i++) {
        if (resets[i].code == code) {
            *status = resets[i].status;
            return resets[i].grpc;
        }
    }
    *status = WEIR_REFUSED;
    return GRPC_INTERNAL;
}

int status_reset(weir_error *err, uint32_t code)
{
    weir_status status;
    int grpc_status = map_reset(code, &status);
    error_peer(err, status, WEIR_ORIGIN_GRPC, grpc_status,
               "the server reset the call (RST_STREAM %s) before it was answered",
               status_h2_name(code));
    return grpc_status;
}

int status_cut(weir_error *err, uint32_t code)
{
    static const uint32_t cuts[] = {NGHTTP2_NO_ERROR, NGHTTP2_PROTOCOL_ERROR,
                                    NGHTTP2_INTERNAL_ERROR, NGHTTP2_STREAM_CLOSED, NGHTTP2_CANCEL};
    weir_status status;
    int grpc_status = map_reset(code, &status);
    for (size_t i = 0; i < sizeof cuts / sizeof *cuts; i++) {
        if (cuts[i] != code)
            continue;
        error_peer(
            err, WEIR_UNREACHABLE, WEIR_ORIGIN_GRPC, grpc_status,
            "the stream was cut (RST_STREAM %s) by the server or a proxy before it; proxies "
            "do that to streams that are silent for a while: raise their time limit for gRPC",
            status_h2_name(code));
        return grpc_status;
    }
    return status_reset(err, code);
}
