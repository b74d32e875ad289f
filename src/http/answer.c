/* An answer as it arrives: what libcurl hands over is copied within its limits, into memory that is
 * wiped, because a token may be in it. Growing makes a new block and wipes the old one. A body that
 * holds no secret is spared that, is as large as its Content-Length says from the beginning, and
 * can be taken over.
 *
 * Headers: a status line begins a new answer (an informational one may come before the real one);
 * what follows the blank line is a trailer, and only counted. */
#include "core/clock.h"
#include "core/limits.h"
#include "core/mem.h"
#include "core/secret.h"
#include "core/text.h"
#include "http/http_private.h"

#include <string.h>

static bool move(struct wiped *w, size_t cap)
{
    char *grown = w->plain ? mem_realloc(w->data, cap) : mem_zalloc(cap);
    if (!grown)
        return false;
    if (w->data && !w->plain) {
        memcpy(grown, w->data, w->len);
        secret_wipe(w->data, w->len);
        mem_free(w->data);
    }
    w->data = grown;
    w->cap = cap;
    return true;
}

static bool add(struct wiped *w, const char *data, size_t len)
{
    size_t cap = w->cap ? w->cap : 512;
    while (cap <= w->len + len)
        cap *= 2;
    if ((!w->data || cap > w->cap) && !move(w, cap))
        return false;
    if (len)
        memcpy(w->data + w->len, data, len);
    w->len += len;
    w->data[w->len] = '\0';
    return true;
}

static void clear(struct wiped *w)
{
    if (w->data && !w->plain)
        secret_wipe(w->data, w->len);
    mem_free(w->data);
    *w = (struct wiped){.plain = w->plain};
}

static size_t trouble(struct incoming *in, enum answer_trouble what)
{
    in->trouble = what;
    return 0;
}

/* Without blanks and line ends around it. */
static bool add_trimmed(struct wiped *w, const char *text, size_t len)
{
    static const char blanks[] = " \t\r\n";
    while (len > 0 && strchr(blanks, text[len - 1]))
        len--;
    while (len > 0 && strchr(blanks, text[0])) {
        text++;
        len--;
    }
    return add(w, text, strnlen(text, len)) && add(w, "", 1);
}

static bool add_field(struct incoming *in, const char *line, size_t len)
{
    const char *colon = memchr(line, ':', len);
    if (!colon || line[0] == ' ' || line[0] == '\t')
        return true; /* no header: RFC 9112, 5.2 lets folded ones be refused */
    in->set_cookies += colon - line == 10 && strncasecmp(line, "Set-Cookie", 10) == 0;
    if (!add_trimmed(&in->heads, line, (size_t)(colon - line)) ||
        !add_trimmed(&in->heads, colon + 1, len - (size_t)(colon - line) - 1))
        return false;
    in->head_count++;
    return true;
}

size_t answer_head(struct incoming *in, const char *line, size_t len)
{
    in->head_bytes += len;
    if (in->head_bytes > (size_t)LIMIT_HTTP_HEADERS)
        return trouble(in, ANSWER_HEADERS_TOO_LARGE);
    if (len >= 5 && memcmp(line, "HTTP/", 5) == 0) {
        clear(&in->heads);
        in->head_count = 0;
        in->heads_over = false;
    } else if (len > 0 && (line[0] == '\r' || line[0] == '\n')) {
        in->heads_over = true;
    } else if (!in->heads_over && !add_field(in, line, len)) {
        return trouble(in, ANSWER_NO_MEMORY);
    }
    return len;
}

const char *answer_value(const struct incoming *in, const char *name)
{
    const char *at = in->heads.data;
    for (size_t i = 0; i < in->head_count; i++) {
        const char *value = at + strlen(at) + 1;
        if (text_equal_nocase(at, name))
            return value;
        at = value + strlen(value) + 1;
    }
    return NULL;
}

/* The length of the body to come; 0: nobody says, or it is that of a compressed one. */
static size_t announced(const struct incoming *in)
{
    int64_t len = 0;
    const char *value = answer_value(in, "Content-Length");
    if (!value || answer_value(in, "Content-Encoding") ||
        !text_number(value, 0, INT64_MAX / 2, &len))
        return 0;
    return (size_t)len;
}

static size_t begin_body(struct incoming *in, size_t len)
{
    size_t whole = announced(in);
    if (whole > in->max_body)
        return trouble(in, ANSWER_BODY_TOO_LARGE);
    if (whole >= len && in->body.plain && !move(&in->body, whole + 1))
        return trouble(in, ANSWER_NO_MEMORY);
    return len;
}

size_t answer_body(struct incoming *in, const char *data, size_t len)
{
    if (len > in->max_body - in->body.len)
        return trouble(in, ANSWER_BODY_TOO_LARGE);
    if (!in->body.data && begin_body(in, len) != len)
        return 0;
    return add(&in->body, data, len) ? len : trouble(in, ANSWER_NO_MEMORY);
}

const char *http_header(const struct http_answer *answer, const char *name)
{
    for (size_t i = 0; i < answer->header_count; i++) {
        if (text_equal_nocase(answer->headers[i].name, name))
            return answer->headers[i].value;
    }
    return NULL;
}

char *http_take_body(const struct http_answer *answer, size_t *len)
{
    struct wiped *body = &answer->from->body;
    char *data = body->data;
    bool half_empty = body->cap / 2 > body->len; /* it may be kept for long */
    *len = body->len;
    if (!data)
        return mem_dup("", 0);
    *body = (struct wiped){.plain = true};
    if (!half_empty)
        return data;
    char *fitting = mem_realloc(data, *len + 1);
    return fitting ? fitting : data;
}

static weir_ms retry_after(const struct http_answer *answer, const struct clock *clock)
{
    const char *value = http_header(answer, "Retry-After");
    const char *date = http_header(answer, "Date");
    return value ? answer_retry_after(value, date, clock_wall(clock)) : -1;
}

bool answer_view(struct incoming *in, int status, const struct clock *clock,
                 struct http_answer *out)
{
    mem_free(in->headers);
    in->headers = mem_array(in->head_count + 1, sizeof *in->headers);
    if (!in->headers)
        return false;
    const char *at = in->heads.data;
    for (size_t i = 0; i < in->head_count; i++) {
        in->headers[i].name = at;
        in->headers[i].value = at += strlen(at) + 1;
        at += strlen(at) + 1;
    }
    *out = (struct http_answer){.status = status,
                                .from = in,
                                .body = {in->body.data ? in->body.data : "", in->body.len},
                                .headers = in->headers,
                                .header_count = in->head_count};
    const char *type = http_header(out, "Content-Type");
    out->content_type = type ? type : "";
    out->retry_after = retry_after(out, clock);
    return true;
}

void answer_clear(struct incoming *in)
{
    clear(&in->body);
    clear(&in->heads);
    mem_free(in->headers);
    in->headers = NULL;
}
