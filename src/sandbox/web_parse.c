/* The head is copied once it is whole, and cut into texts in place. Whatever two readers could
 * understand differently is refused (RFC 9112, 11.2): bare line feeds, folded lines, blanks before
 * a colon, two lengths, a coding of the body. */
#include "sandbox/web_parse.h"

#include "core/mem.h"
#include "core/secret.h"
#include "core/text.h"

#include <string.h>

#define BAD_REQUEST     400
#define LENGTH_REQUIRED 411

#define CHUNK_DIGITS_MAX 6
#define CHUNK_LINE_MAX   4096
#define TOO_LARGE        413
#define HEAD_TOO_LARGE   431
#define NO_MEMORY        500
#define BAD_VERSION      505

static int refuse(const char **why, int status, const char *text)
{
    *why = text;
    return status;
}

static bool is_token(const char *text, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        char c = text[i];
        bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
        if (!letter && (!c || !strchr("!#$%&'*+-.^_`|~", c)))
            return false;
    }
    return len > 0;
}

/* "POST /oauth/token HTTP/1.1" */
static int read_first_line(struct web_head *head, char *line, const char **why)
{
    char *target = strchr(line, ' ');
    char *version = target ? strchr(target + 1, ' ') : NULL;
    if (!version || !is_token(line, (size_t)(target - line)) || target[1] != '/')
        return refuse(why, BAD_REQUEST, "the first line is not METHOD /TARGET HTTP/1.1");
    *target = *version = '\0';
    head->method = line;
    head->target = target + 1;
    if (strcmp(version + 1, "HTTP/1.1") != 0 && strcmp(version + 1, "HTTP/1.0") != 0)
        return refuse(why, BAD_VERSION, "only HTTP/1.1 and HTTP/1.0 are spoken here");
    head->keep_alive = strcmp(version + 1, "HTTP/1.1") == 0;
    return 0;
}

static void trim(char **text)
{
    *text += strspn(*text, " \t");
    size_t len = strlen(*text);
    while (len && strchr(" \t", (*text)[len - 1]))
        (*text)[--len] = '\0';
}

static int read_header(struct web_head *head, char *line, const char **why)
{
    char *value = strchr(line, ':');
    if (!value || !is_token(line, (size_t)(value - line)))
        return refuse(why, BAD_REQUEST, "a header is not NAME: VALUE");
    if (head->header_count == WEB_HEADERS_MAX)
        return refuse(why, HEAD_TOO_LARGE, "there are too many headers");
    *value++ = '\0';
    trim(&value);
    for (char *c = line; *c; c++)
        *c = (char)(*c >= 'A' && *c <= 'Z' ? *c - 'A' + 'a' : *c);
    head->headers[head->header_count++] = (struct journal_pair){line, value};
    return 0;
}

static size_t times(const struct web_head *head, const char *name)
{
    size_t count = 0;
    for (size_t i = 0; i < head->header_count; i++)
        count += strcmp(head->headers[i].name, name) == 0;
    return count;
}

/* Clients of Node send chunks. */
static int read_transfer(struct web_head *head, bool has_length, const char **why)
{
    const char *coding = web_head_find(head, "transfer-encoding");
    if (!coding)
        return 0;
    if (times(head, "transfer-encoding") > 1 || !text_equal_nocase(coding, "chunked"))
        return refuse(why, LENGTH_REQUIRED, "a Content-Length is wanted, or chunks");
    if (has_length)
        return refuse(why, BAD_REQUEST, "there are a Content-Length and chunks");
    head->chunked = true;
    return 0;
}

static int read_meaning(struct web_head *head, const char **why)
{
    int64_t len = 0;
    const char *length = web_head_find(head, "content-length");
    const char *connection = web_head_find(head, "connection");
    const char *expect = web_head_find(head, "expect");
    int bad = read_transfer(head, length != NULL, why);
    if (bad)
        return bad;
    if (times(head, "content-length") > 1 ||
        (length && !text_number(length, 0, INT64_MAX / 2, &len)))
        return refuse(why, BAD_REQUEST, "the Content-Length is no number");
    if ((size_t)len > WEB_BODY_MAX)
        return refuse(why, TOO_LARGE, "the body is larger than the sandbox takes");
    head->body_len = (size_t)len;
    if (connection)
        head->keep_alive = head->keep_alive ? !text_equal_nocase(connection, "close")
                                            : text_equal_nocase(connection, "keep-alive");
    head->expects_continue = expect && text_equal_nocase(expect, "100-continue");
    return head->expects_continue || !expect
               ? 200
               : refuse(why, 417, "only 100-continue can be expected");
}

/* Cuts the copy at its line ends; NUL and bare CR or LF are refused. */
static int read_lines(struct web_head *head, const char **why)
{
    int bad = 0;
    char *line = head->text, *end = head->text + head->len - 2; /* of the empty line: "\r\n" */
    if (memchr(head->text, '\0', head->len))
        return refuse(why, BAD_REQUEST, "there is a NUL byte in the head");
    for (size_t number = 0; line < end && !bad; number++) {
        char *stop = strstr(line, "\r\n");
        *stop = '\0';
        if (strpbrk(line, "\r\n"))
            return refuse(why, BAD_REQUEST, "a line of the head does not end with CR LF");
        bad = number ? read_header(head, line, why) : read_first_line(head, line, why);
        line = stop + 2;
    }
    return bad ? bad : read_meaning(head, why);
}

int web_head_parse(struct web_head *out, const char *data, size_t len, const char **why)
{
    const char *end = len ? memmem(data, len, "\r\n\r\n", 4) : NULL;
    *out = (struct web_head){0};
    if ((end ? (size_t)(end - data) : len) > WEB_HEAD_MAX)
        return refuse(why, HEAD_TOO_LARGE, "the head is larger than the sandbox takes");
    if (!end)
        return 0;
    out->len = (size_t)(end - data) + 4;
    out->text = mem_dup(data, out->len);
    int status =
        out->text ? read_lines(out, why) : refuse(why, NO_MEMORY, "the sandbox is out of memory");
    if (status != 200)
        web_head_clear(out);
    return status;
}

void web_head_clear(struct web_head *head)
{
    if (head->text)
        secret_wipe(head->text, head->len);
    mem_free(head->text);
    *head = (struct web_head){0};
}

const char *web_head_find(const struct web_head *head, const char *name)
{
    for (size_t i = 0; i < head->header_count; i++) {
        if (strcmp(head->headers[i].name, name) == 0)
            return head->headers[i].value;
    }
    return NULL;
}

/* ---- chunks ------------------------------------------------------------------------------ */

static int hex_digit(char c)
{
    const char *digits = "0123456789abcdef";
    const char *at = c ? strchr(digits, c >= 'A' && c <= 'F' ? c - 'A' + 'a' : c) : NULL;
    return at ? (int)(at - digits) : -1;
}

/* The line before a chunk: its size, then perhaps an extension. */
static bool chunk_size(const char *line, const char *end, size_t *out)
{
    size_t digits = 0;
    *out = 0;
    for (; line < end && hex_digit(*line) >= 0 && digits <= CHUNK_DIGITS_MAX; digits++)
        *out = *out * 16 + (size_t)hex_digit(*line++);
    bool ended = line == end || *line == ';' || *line == ' ' || *line == '\t';
    return digits > 0 && digits <= CHUNK_DIGITS_MAX && ended;
}

/* The next chunk at *at, moved to `to` when it is not NULL. 200: *size is its size, and *at behind
 * it. */
static int next_chunk(const char *data, size_t len, size_t *at, size_t *size, char *to)
{
    const char *line = data + *at;
    const char *end = memmem(line, len - *at, "\r\n", 2);
    if (!end)
        return len - *at > CHUNK_LINE_MAX ? BAD_REQUEST : 0;
    if (!chunk_size(line, end, size))
        return BAD_REQUEST;
    size_t from = (size_t)(end - data) + 2;
    if (*size == 0) { /* trailers end with an empty line, as a head does */
        const char *last = memmem(end, len - (size_t)(end - data), "\r\n\r\n", 4);
        *at = last ? (size_t)(last - data) + 4 : *at;
        return last ? 200 : 0;
    }
    if (*size > WEB_BODY_MAX)
        return TOO_LARGE;
    if (len - from < *size + 2)
        return 0;
    if (memcmp(data + from + *size, "\r\n", 2) != 0)
        return BAD_REQUEST;
    if (to)
        memmove(to, data + from, *size);
    *at = from + *size + 2;
    return 200;
}

/* Nothing is moved before all of it is there. */
int web_body_gather(char *data, size_t len, size_t *body_len, size_t *wire_len, const char **why)
{
    int status = 200;
    for (int pass = 0; pass < 2 && status == 200; pass++) {
        size_t size = 1, at = 0;
        *body_len = 0;
        while (status == 200 && size > 0) {
            status = next_chunk(data, len, &at, &size, pass ? data + *body_len : NULL);
            *body_len += size;
            if (status == 200 && *body_len > WEB_BODY_MAX)
                status = TOO_LARGE;
        }
        *wire_len = at;
    }
    return status == 0 || status == 200 ? status
                                        : refuse(why, status, "the chunks are none, or too large");
}
