/* Filling a weir_error, and what its numbers are called. All of it is tables. */
#include "core/error.h"

#include "core/mem.h"
#include "core/text.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

/* <sysexits.h> values, as the command line's contract lists them. */
static const struct status_row {
    const char *name;
    int exit_status;
    int32_t retry_in_ms; /* of an error of this status, unless the peer says otherwise */
} statuses[] = {
    [WEIR_OK] = {"WEIR_OK", 0, 0},
    [WEIR_INVALID] = {"WEIR_INVALID", 65, -1},
    [WEIR_NO_MEMORY] = {"WEIR_NO_MEMORY", 71, 0},
    [WEIR_NOTHING] = {"WEIR_NOTHING", 0, 0},
    [WEIR_TIMEOUT] = {"WEIR_TIMEOUT", 75, 0},
    [WEIR_STOPPED] = {"WEIR_STOPPED", 0, -1},
    [WEIR_UNREACHABLE] = {"WEIR_UNREACHABLE", 69, 0},
    [WEIR_BUSY] = {"WEIR_BUSY", 75, 0},
    [WEIR_UNTRUSTED] = {"WEIR_UNTRUSTED", 76, -1},
    [WEIR_BAD_LOGIN] = {"WEIR_BAD_LOGIN", 77, -1},
    [WEIR_FORBIDDEN] = {"WEIR_FORBIDDEN", 77, -1},
    [WEIR_NOT_FOUND] = {"WEIR_NOT_FOUND", 67, -1},
    [WEIR_CONFLICT] = {"WEIR_CONFLICT", 67, -1},
    [WEIR_REFUSED] = {"WEIR_REFUSED", 67, -1},
    [WEIR_PROTOCOL] = {"WEIR_PROTOCOL", 76, -1},
    [WEIR_GAP] = {"WEIR_GAP", 67, -1},
    [WEIR_STORE] = {"WEIR_STORE", 74, -1},
    [WEIR_UNSUPPORTED] = {"WEIR_UNSUPPORTED", 78, -1},
    [WEIR_MISSING] = {"WEIR_MISSING", 78, -1},
    [WEIR_BUG] = {"WEIR_BUG", 70, -1},
};

static const char *const kinds[] = {
    [WEIR_KIND_UNKNOWN] = "",
    [WEIR_KIND_BACK_PRESSURE] = "back_pressure",
    [WEIR_KIND_MESSAGE_TOO_LARGE] = "message_too_large",
    [WEIR_KIND_JOB_NOT_FOUND] = "job_not_found",
    [WEIR_KIND_JOB_DEACTIVATED] = "job_deactivated",
    [WEIR_KIND_PROCESS_NOT_FOUND] = "process_not_found",
    [WEIR_KIND_NO_START_EVENT] = "no_start_event",
    [WEIR_KIND_PROCESS_TIMED_OUT] = "process_timed_out",
    [WEIR_KIND_INSTANCE_NOT_FOUND] = "instance_not_found",
    [WEIR_KIND_INVALID_VARIABLES] = "invalid_variables",
    [WEIR_KIND_INVALID_RESOURCE] = "invalid_resource",
    [WEIR_KIND_DECISION_NOT_FOUND] = "decision_not_found",
    [WEIR_KIND_MESSAGE_EXISTS] = "message_exists",
    [WEIR_KIND_INCIDENT_NOT_FOUND] = "incident_not_found",
    [WEIR_KIND_REPLAY_GAP] = "replay_gap",
    [WEIR_KIND_TOKEN_REFUSED] = "token_refused",
    [WEIR_KIND_TOKEN_UNAVAILABLE] = "token_unavailable",
    [WEIR_KIND_TOKEN_UNUSABLE] = "token_unusable",
    [WEIR_KIND_INVALID_ACTIVATION] = "invalid_activation",
};

static const char *const origins[] = {
    [WEIR_ORIGIN_WEIR] = "weir", [WEIR_ORIGIN_SYSTEM] = "system", [WEIR_ORIGIN_HTTP] = "http",
    [WEIR_ORIGIN_GRPC] = "grpc", [WEIR_ORIGIN_BAYEUX] = "bayeux", [WEIR_ORIGIN_TLS] = "tls",
};

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static const struct status_row *row_of(weir_status status)
{
    return (size_t)status < COUNT(statuses) ? &statuses[status] : &statuses[WEIR_BUG];
}

const char *weir_status_name(weir_status status)
{
    return row_of(status)->name;
}

const char *weir_kind_name(int32_t kind)
{
    return kind >= 0 && (size_t)kind < COUNT(kinds) ? kinds[kind] : "";
}

const char *weir_origin_name(weir_origin origin)
{
    return (size_t)origin < COUNT(origins) ? origins[origin] : origins[WEIR_ORIGIN_WEIR];
}

bool weir_error_retryable(const weir_error *err)
{
    return err && err->status != WEIR_OK && err->retry_in_ms >= 0;
}

/* Mostly there is nothing to clear, and the message is long. */
void weir_error_clear(weir_error *err)
{
    if (!err)
        return;
    if (err->message[0])
        memset(err->message, 0, sizeof err->message);
    memset(err, 0, offsetof(weir_error, message));
}

int weir_error_exit_status(const weir_error *err)
{
    return err ? row_of(err->status)->exit_status : 0;
}

int weir_error_exit(const weir_error *err, const char *who)
{
    int status = weir_error_exit_status(err);
    if (status)
        (void)fprintf(stderr, "%s: %s\n", who ? who : "weir", err->message);
    return status;
}

/* Where to cut `text` of `len` bytes so that no character is cut in the middle. */
static size_t whole_characters(const char *text, size_t len)
{
    size_t start = len;
    while (start > 0 && len - start < 4 && ((unsigned char)text[start - 1] & 0xc0) == 0x80)
        start--;
    if (start == 0 || (unsigned char)text[start - 1] < 0x80)
        return len;
    return text_utf8_step(text + start - 1, len - start + 1) ? len : start - 1;
}

/* One line: control characters become blanks; what did not fit is cut between characters. */
static void tidy(weir_error *err, size_t wanted)
{
    size_t len = wanted;
    if (len >= sizeof err->message)
        len = whole_characters(err->message, sizeof err->message - 1);
    for (size_t i = 0; i < len; i++) {
        unsigned char c = (unsigned char)err->message[i];
        if (c < 0x20 || c == 0x7f)
            err->message[i] = ' ';
    }
    while (len > 0 && err->message[len - 1] == ' ')
        len--;
    err->message[len] = '\0';
}

WEIR_PRINTF(3, 0)
static void fill(weir_error *err, weir_status status, const char *fmt, va_list args)
{
    *err = (weir_error){.status = status, .retry_in_ms = row_of(status)->retry_in_ms};
    int wanted = vsnprintf(err->message, sizeof err->message, fmt, args);
    tidy(err, wanted > 0 ? (size_t)wanted : 0);
}

weir_status error_set(weir_error *err, weir_status status, const char *fmt, ...)
{
    if (err) {
        va_list args;
        va_start(args, fmt);
        fill(err, status, fmt, args);
        va_end(args);
    }
    return status;
}

weir_status error_peer(weir_error *err, weir_status status, weir_origin origin, int32_t code,
                       const char *fmt, ...)
{
    if (err) {
        va_list args;
        va_start(args, fmt);
        fill(err, status, fmt, args);
        va_end(args);
        err->origin = origin;
        err->code = code;
    }
    return status;
}

static const char *system_words(int errnum, char *out, size_t size)
{
    const char *words = strerror_r(errnum, out, size); /* the GNU one: returns the text */
    return words ? words : "unknown error";
}

weir_status error_system(weir_error *err, weir_status status, int errnum, const char *fmt, ...)
{
    if (err) {
        va_list args;
        va_start(args, fmt);
        fill(err, status, fmt, args);
        va_end(args);
        err->origin = WEIR_ORIGIN_SYSTEM;
        err->code = errnum;
        char words[128];
        size_t len = strlen(err->message);
        int more = snprintf(err->message + len, sizeof err->message - len, ": %s",
                            system_words(errnum, words, sizeof words));
        tidy(err, len + (more > 0 ? (size_t)more : 0));
    }
    return status;
}

weir_status error_no_memory(weir_error *err)
{
    return error_set(err, WEIR_NO_MEMORY, "out of memory");
}

weir_status error_context(weir_error *err, const char *fmt, ...)
{
    if (!err)
        return WEIR_OK;
    weir_error old = *err;
    va_list args;
    va_start(args, fmt);
    int len = vsnprintf(err->message, sizeof err->message, fmt, args);
    va_end(args);
    size_t used = len > 0 ? (size_t)len : 0;
    if (used >= sizeof err->message) { /* no context is worth the text itself */
        *err = old;
        return old.status;
    }
    int more = snprintf(err->message + used, sizeof err->message - used, ": %s", old.message);
    tidy(err, used + (more > 0 ? (size_t)more : 0));
    return err->status;
}

weir_status error_append(weir_error *err, const char *fmt, ...)
{
    if (!err)
        return WEIR_OK;
    size_t len = strlen(err->message);
    va_list args;
    va_start(args, fmt);
    int more = vsnprintf(err->message + len, sizeof err->message - len, fmt, args);
    va_end(args);
    tidy(err, len + (more > 0 ? (size_t)more : 0));
    return err->status;
}

weir_status error_copy(weir_error *to, const weir_error *from)
{
    if (to && to != from)
        *to = *from;
    return from->status;
}

static const weir_error no_memory_kept = {.status = WEIR_NO_MEMORY, .message = "out of memory"};
static const weir_error stopped_kept = {.status = WEIR_STOPPED, .retry_in_ms = -1};

const weir_error *error_keep(const weir_error *err)
{
    if (!err || err->status == WEIR_OK)
        return NULL;
    if (err->status == WEIR_STOPPED && !*err->message)
        return &stopped_kept;
    const weir_error *copy = mem_dup(err, sizeof *err);
    return copy ? copy : &no_memory_kept;
}

void error_drop(const weir_error *kept)
{
    if (kept != &no_memory_kept && kept != &stopped_kept)
        mem_free((void *)(uintptr_t)kept);
}

weir_status error_ok(weir_error *err)
{
    weir_error_clear(err);
    return WEIR_OK;
}

bool error_held(const weir_error *err)
{
    return err && err->status != WEIR_OK;
}

weir_status error_null(weir_error *err, const char *name)
{
    if (error_held(err))
        return err->status;
    return error_set(err, WEIR_INVALID, "%s is NULL", name);
}
