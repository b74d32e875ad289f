/* Line by line: a line is a name, a colon, perhaps a scalar. Where a line stands follows from its
 * indentation alone, as the stack of names above it. Decoded scalars are wiped: they are tokens. */
#include "credentials/cache_yaml.h"

#include "core/error.h"
#include "core/mem.h"
#include "core/secret.h"

#include <string.h>

#define ENTRIES_MAX 4096

struct span {
    const char *at, *end;
};

struct line {
    size_t indent;
    struct span name, value; /* raw; value empty: none */
};

enum line_kind { LINE_BLANK, LINE_PAIR, LINE_BROKEN };

static bool is_blank(char c)
{
    return c == ' ' || c == '\t' || c == '\r';
}

static void trim(struct span *s)
{
    while (s->at < s->end && is_blank(*s->at))
        s->at++;
    while (s->end > s->at && is_blank(s->end[-1]))
        s->end--;
}

/* Behind the closing quote; NULL: there is none. */
static const char *quoted_end(struct span s)
{
    char quote = *s.at;
    for (const char *at = s.at + 1; at < s.end; at++) {
        bool twice = quote == '\'' && *at == quote && at + 1 < s.end && at[1] == quote;
        if (twice || (quote == '"' && *at == '\\'))
            at++;
        else if (*at == quote)
            return at + 1;
    }
    return NULL;
}

static bool is_quote(char c)
{
    return c == '"' || c == '\'';
}

/* What a plain scalar may not begin with (YAML 1.2, 7.3.3), and then some. */
static bool begins_plainly(struct span s)
{
    if (*s.at == '-')
        return s.at + 1 < s.end && !is_blank(s.at[1]);
    return !memchr("?:,[]{}#&*!|>'\"%@`", *s.at, 19);
}

static const char *plain_name_end(struct span s)
{
    if (!begins_plainly(s))
        return NULL;
    for (const char *at = s.at; at < s.end; at++) {
        if (*at == ':' && (at + 1 == s.end || is_blank(at[1])))
            return at;
    }
    return NULL;
}

static bool tidy_quoted(struct span *v)
{
    const char *end = quoted_end(*v);
    struct span rest = {end ? end : v->end, v->end};
    trim(&rest);
    if (!end || (rest.at < rest.end && *rest.at != '#'))
        return false;
    v->end = end;
    return true;
}

/* A colon before a blank would be a mapping within the line. */
static bool tidy_plain(struct span *v)
{
    for (const char *at = v->at + 1; at < v->end; at++) {
        bool before_blank = at + 1 == v->end || is_blank(at[1]);
        if (*at == ':' && before_blank)
            return false;
        if (*at == '#' && is_blank(at[-1]))
            v->end = at;
    }
    trim(v);
    return begins_plainly(*v);
}

/* Cuts a comment off; false: not a scalar on one line. */
static bool tidy_value(struct span *v)
{
    trim(v);
    if (v->at < v->end && *v->at == '#')
        v->end = v->at;
    if (v->at == v->end)
        return true;
    return is_quote(*v->at) ? tidy_quoted(v) : tidy_plain(v);
}

static bool split_pair(struct span s, struct line *out)
{
    if (memchr(s.at, '\0', (size_t)(s.end - s.at)))
        return false;
    const char *end = is_quote(*s.at) ? quoted_end(s) : plain_name_end(s);
    if (!end || end == s.end || *end != ':')
        return false;
    out->name = (struct span){s.at, end};
    out->value = (struct span){end + 1, s.end};
    trim(&out->name);
    return tidy_value(&out->value);
}

static enum line_kind read_line(struct span s, struct line *out)
{
    const char *begin = s.at;
    while (s.at < s.end && *s.at == ' ')
        s.at++;
    out->indent = (size_t)(s.at - begin);
    bool tab = s.at < s.end && *s.at == '\t';
    trim(&s);
    if (s.at == s.end || *s.at == '#')
        return LINE_BLANK;
    return !tab && split_pair(s, out) ? LINE_PAIR : LINE_BROKEN;
}

/* --- scalars ------------------------------------------------------------------------------ */

static int hex_value(const char *at, const char *end, size_t width)
{
    int value = 0;
    if ((size_t)(end - at) < width)
        return -1;
    for (size_t i = 0; i < width; i++) {
        const char *digits = "0123456789abcdef";
        int lower = at[i] >= 'A' && at[i] <= 'F' ? at[i] + ('a' - 'A') : at[i];
        const char *digit = lower ? strchr(digits, lower) : NULL;
        if (!digit)
            return -1;
        value = value * 16 + (int)(digit - digits);
    }
    return value;
}

/* \xHH and \uHHHH as UTF-8; surrogates and NUL are refused. Returns how many bytes, 0: bad. */
static size_t put_code(char *out, int code)
{
    if (code <= 0 || (code >= 0xd800 && code <= 0xdfff))
        return 0;
    if (code < 0x80) {
        out[0] = (char)code;
        return 1;
    }
    if (code < 0x800) {
        out[0] = (char)(0xc0 | code >> 6);
        out[1] = (char)(0x80 | (code & 0x3f));
        return 2;
    }
    out[0] = (char)(0xe0 | code >> 12);
    out[1] = (char)(0x80 | (code >> 6 & 0x3f));
    out[2] = (char)(0x80 | (code & 0x3f));
    return 3;
}

/* *at is behind the backslash; moves behind the escape. */
static size_t put_escape(char *out, const char **at, const char *end)
{
    static const char names[] = "\"\\/ntre", values[] = "\"\\/\n\t\r\x1b";
    char c = **at;
    const char *named = c ? strchr(names, c) : NULL;
    (*at)++;
    if (named) {
        *out = values[named - names];
        return 1;
    }
    size_t width = c == 'x' ? 2 : c == 'u' ? 4 : 0;
    size_t put = width ? put_code(out, hex_value(*at, end, width)) : 0;
    *at += put ? width : 0;
    return put;
}

/* Into `out`, never longer than the raw form; false: an escape that is none. */
static bool unescape(struct span s, char quote, char *out)
{
    while (s.at < s.end) {
        if (quote == '"' && *s.at == '\\') {
            s.at++;
            size_t put = put_escape(out, &s.at, s.end);
            if (put == 0)
                return false;
            out += put;
            continue;
        }
        s.at += quote == '\'' && *s.at == '\''; /* written twice */
        *out++ = *s.at++;
    }
    return true;
}

/* NULL: no memory, or (*bad) an escape that is none. */
static char *decode(struct span s, bool *bad)
{
    char quote = s.at < s.end && is_quote(*s.at) ? *s.at : '\0';
    char *out = mem_zalloc((size_t)(s.end - s.at) + 1);
    *bad = false;
    if (!out)
        return NULL;
    if (quote)
        s = (struct span){s.at + 1, s.end - 1};
    if (!unescape(s, quote, out)) {
        *bad = true;
        secret_free_text(out);
        return NULL;
    }
    if (!quote && (strcmp(out, "null") == 0 || strcmp(out, "~") == 0))
        *out = '\0';
    return out;
}

void yaml_add(struct buf *out, const char *text)
{
    buf_adds(out, "\"");
    for (; *text; text++) {
        unsigned char c = (unsigned char)*text;
        if (c == '"' || c == '\\')
            buf_addf(out, "\\%c", c);
        else if (c < 0x20 || c == 0x7f)
            buf_addf(out, "\\x%02x", (unsigned)c);
        else
            buf_add(out, text, 1);
    }
    buf_adds(out, "\"");
}

/* --- the top ------------------------------------------------------------------------------ */

static struct span next_line(const char **at, const char *end)
{
    const char *newline = *at < end ? memchr(*at, '\n', (size_t)(end - *at)) : NULL;
    struct span line = {*at, newline ? newline : end};
    *at = newline ? newline + 1 : end;
    return line;
}

static weir_status add_entry(struct yaml_file *f, struct span name, const char *at, int number)
{
    bool bad = false;
    if (f->count == ENTRIES_MAX)
        return WEIR_INVALID;
    if ((f->count & (f->count - 1)) == 0) { /* a power of two: full */
        size_t room = f->count ? 2 * f->count : 1;
        struct yaml_entry *grown = mem_realloc(f->entries, room * sizeof *grown);
        if (!grown)
            return WEIR_NO_MEMORY;
        f->entries = grown;
    }
    char *decoded = decode(name, &bad);
    if (!decoded)
        return bad ? WEIR_INVALID : WEIR_NO_MEMORY;
    f->entries[f->count++] = (struct yaml_entry){decoded, at, 0, number};
    return WEIR_OK;
}

static bool is_start(struct span line, const struct yaml_file *f)
{
    trim(&line);
    return f->count == 0 && line.end - line.at == 3 && memcmp(line.at, "---", 3) == 0;
}

static weir_status take_top(struct yaml_file *f, struct span raw, const char *text, int number)
{
    struct line line;
    if (is_start(raw, f))
        return WEIR_OK;
    if (f->count > 0 && raw.at < raw.end && *raw.at == ' ')
        return WEIR_OK; /* an entry's own business */
    enum line_kind kind = read_line(raw, &line);
    if (kind == LINE_BLANK)
        return WEIR_OK;
    if (kind == LINE_BROKEN || line.indent > 0)
        return WEIR_INVALID;
    if (f->count == 0)
        f->head = (size_t)(raw.at - text);
    return add_entry(f, line.name, raw.at, number);
}

weir_status yaml_split(struct yaml_file *out, const char *text, size_t len, weir_error *err)
{
    const char *at = text, *end = text + len;
    weir_status status = WEIR_OK;
    *out = (struct yaml_file){len, NULL, 0};
    for (int number = 1; at < end && status == WEIR_OK; number++) {
        size_t before = out->count;
        struct span raw = next_line(&at, end);
        status = take_top(out, raw, text, number);
        if (out->count > before && before > 0)
            out->entries[before - 1].len = (size_t)(raw.at - out->entries[before - 1].text);
        if (status == WEIR_INVALID)
            error_set(err, WEIR_INVALID, "line %d is none of a credentials file", number);
    }
    if (out->count > 0)
        out->entries[out->count - 1].len = (size_t)(end - out->entries[out->count - 1].text);
    if (status == WEIR_NO_MEMORY)
        error_no_memory(err);
    if (status != WEIR_OK)
        yaml_clear(out);
    return status;
}

void yaml_clear(struct yaml_file *file)
{
    for (size_t i = 0; i < file->count; i++)
        mem_free(file->entries[i].name);
    mem_free(file->entries);
    *file = (struct yaml_file){0, NULL, 0};
}

/* --- inside an entry ---------------------------------------------------------------------- */

struct walk {
    char *names[YAML_DEPTH];
    size_t indents[YAML_DEPTH];
    size_t depth;
    bool open; /* the last line had no scalar: deeper ones may follow */
};

static void pop(struct walk *w)
{
    mem_free(w->names[--w->depth]);
}

/* Leaves the levels that `indent` ends; false: it matches none of them. */
static bool descend(struct walk *w, size_t indent)
{
    bool left = false;
    size_t last = 0;
    while (w->depth > 0 && w->indents[w->depth - 1] >= indent) {
        last = w->indents[w->depth - 1];
        left = true;
        pop(w);
    }
    return left ? last == indent : w->open || w->depth == 0;
}

static weir_status visit(struct walk *w, const struct line *line, yaml_scalar_fn *scalar,
                         void *user)
{
    bool bad = false;
    if (!descend(w, line->indent) || w->depth == YAML_DEPTH)
        return WEIR_INVALID;
    char *name = decode(line->name, &bad);
    if (!name)
        return bad ? WEIR_INVALID : WEIR_NO_MEMORY;
    w->indents[w->depth] = line->indent;
    w->names[w->depth++] = name;
    w->open = line->value.at == line->value.end;
    if (w->open)
        return WEIR_OK;
    char *value = decode(line->value, &bad);
    if (!value)
        return bad ? WEIR_INVALID : WEIR_NO_MEMORY;
    weir_status status = scalar(user, (const char *const *)w->names, w->depth, value);
    secret_free_text(value);
    return status;
}

weir_status yaml_walk(const struct yaml_entry *entry, yaml_scalar_fn *scalar, void *user)
{
    struct walk w = {.depth = 0};
    const char *at = entry->text, *end = entry->text + entry->len;
    weir_status status = WEIR_OK;
    while (at < end && status == WEIR_OK) {
        struct line line;
        enum line_kind kind = read_line(next_line(&at, end), &line);
        if (kind == LINE_PAIR)
            status = visit(&w, &line, scalar, user);
        else if (kind == LINE_BROKEN)
            status = WEIR_INVALID;
    }
    while (w.depth > 0)
        pop(&w);
    return status;
}
