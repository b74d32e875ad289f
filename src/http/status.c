/* HTTP statuses: one table of phrases (RFC 9110, 15, and RFC 6585) and what they mean to a caller.
 */
#include "http/status.h"

#include "core/buf.h"
#include "core/error.h"
#include "core/text.h"

#include <string.h>

#define WORDS_MAX 240 /* of a body, in an error */

static const struct row {
    int http;
    weir_status status; /* OK: by the hundreds */
    const char *phrase;
} rows[] = {
    {100, WEIR_OK, "Continue"},
    {101, WEIR_OK, "Switching Protocols"},
    {200, WEIR_OK, "OK"},
    {201, WEIR_OK, "Created"},
    {202, WEIR_OK, "Accepted"},
    {203, WEIR_OK, "Non-Authoritative Information"},
    {204, WEIR_OK, "No Content"},
    {205, WEIR_OK, "Reset Content"},
    {206, WEIR_OK, "Partial Content"},
    {300, WEIR_OK, "Multiple Choices"},
    {301, WEIR_OK, "Moved Permanently"},
    {302, WEIR_OK, "Found"},
    {303, WEIR_OK, "See Other"},
    {304, WEIR_OK, "Not Modified"},
    {305, WEIR_OK, "Use Proxy"},
    {307, WEIR_OK, "Temporary Redirect"},
    {308, WEIR_OK, "Permanent Redirect"},
    {400, WEIR_INVALID, "Bad Request"},
    {401, WEIR_BAD_LOGIN, "Unauthorized"},
    {402, WEIR_OK, "Payment Required"},
    {403, WEIR_FORBIDDEN, "Forbidden"},
    {404, WEIR_NOT_FOUND, "Not Found"},
    {405, WEIR_OK, "Method Not Allowed"},
    {406, WEIR_OK, "Not Acceptable"},
    {407, WEIR_OK, "Proxy Authentication Required"},
    {408, WEIR_TIMEOUT, "Request Timeout"},
    {409, WEIR_CONFLICT, "Conflict"},
    {410, WEIR_OK, "Gone"},
    {411, WEIR_OK, "Length Required"},
    {412, WEIR_OK, "Precondition Failed"},
    {413, WEIR_OK, "Content Too Large"},
    {414, WEIR_OK, "URI Too Long"},
    {415, WEIR_OK, "Unsupported Media Type"},
    {416, WEIR_OK, "Range Not Satisfiable"},
    {417, WEIR_OK, "Expectation Failed"},
    {421, WEIR_OK, "Misdirected Request"},
    {422, WEIR_OK, "Unprocessable Content"},
    {426, WEIR_OK, "Upgrade Required"},
    {428, WEIR_OK, "Precondition Required"},
    {429, WEIR_BUSY, "Too Many Requests"},
    {431, WEIR_OK, "Request Header Fields Too Large"},
    {451, WEIR_OK, "Unavailable For Legal Reasons"},
    {500, WEIR_REFUSED, "Internal Server Error"},
    {501, WEIR_OK, "Not Implemented"},
    {502, WEIR_UNREACHABLE, "Bad Gateway"},
    {503, WEIR_UNREACHABLE, "Service Unavailable"},
    {504, WEIR_UNREACHABLE, "Gateway Timeout"},
    {505, WEIR_OK, "HTTP Version Not Supported"},
    {511, WEIR_OK, "Network Authentication Required"},
};

static const struct row *row_of(int status)
{
    static const struct row unknown = {0, WEIR_OK, ""};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        if (rows[i].http == status)
            return &rows[i];
    }
    return &unknown;
}

const char *status_http_phrase(int status)
{
    return row_of(status)->phrase;
}

static weir_status meaning(int http)
{
    weir_status status = row_of(http)->status;
    if (status != WEIR_OK)
        return status;
    return http >= 300 && http < 600 ? WEIR_REFUSED : WEIR_PROTOCOL;
}

/* A page for people says nothing in one line. */
static bool is_page(const struct http_answer *answer)
{
    const char *text = answer->body.data;
    return strcasestr(answer->content_type, "html") || (answer->body.len > 0 && text[0] == '<');
}

static void add_body(struct buf *words, const struct http_answer *answer)
{
    if (answer->body.len == 0 || is_page(answer))
        return;
    buf_adds(words, ": ");
    text_fold(words, answer->body.data, answer->body.len, WORDS_MAX);
}

/* The query of a target may hold what the request held. */
static void add_target(struct buf *words, const struct http_answer *answer)
{
    const char *target = http_header(answer, "Location");
    buf_adds(words, ": redirects are not followed");
    if (!target || !*target)
        return;
    const char *at = strstr(target, "://");
    size_t len = strcspn(target, "?#");
    size_t scheme = at ? (size_t)(at - target) + 3 : 0;
    const char *user = scheme < len ? memrchr(target + scheme, '@', len - scheme) : NULL;
    buf_adds(words, "; it is now at ");
    if (user) {
        buf_add(words, target, scheme);
        len -= (size_t)(user + 1 - target);
        target = user + 1;
    }
    text_fold(words, target, len, WORDS_MAX);
    buf_adds(words, ": use that URL if you trust it");
}

weir_status status_http_answer(weir_error *err, const struct http_answer *answer, const char *what)
{
    struct buf words = BUF_INIT((size_t)1024);
    if (answer->status >= 300 && answer->status < 400)
        add_target(&words, answer);
    else
        add_body(&words, answer);
    const char *phrase = status_http_phrase(answer->status);
    weir_status status =
        error_peer(err, meaning(answer->status), WEIR_ORIGIN_HTTP, answer->status,
                   "%s: the server answered %d%s%s%s", what, answer->status, *phrase ? " " : "",
                   phrase, words.data ? words.data : ""); /* no memory: without its words */
    buf_free(&words);
    if (err && err->retry_in_ms >= 0 && answer->retry_after > 0)
        err->retry_in_ms = (int32_t)answer->retry_after;
    return status;
}
