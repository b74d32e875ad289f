/* jansson behind weir_json. A `weir_json *` is a `json_t *` under another name.
 *
 * What is ours: limits (size, depth), errors that never quote the text (a token answer is JSON
 * too), JSON Pointer, and knowing when memory ran out: jansson 2.14 ignores some failed allocations
 * and goes on with a text that misses a character. Its allocator therefore goes through core/mem,
 * which also lets tests make it fail, and whatever was built while an allocation failed is thrown
 * away.
 *
 * Values are read from any thread; nothing here changes one. */
#include "core/json.h"

#include "core/buf.h"
#include "core/error.h"
#include "core/limits.h"
#include "core/mem.h"

#include <pthread.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

static _Thread_local bool ran_out; /* an allocation of jansson's failed in this thread */
static _Thread_local bool parsing;

/* After a character was lost the lexer would copy a text up to a quote that may be the one it
 * misses. It asks for the copy's memory first, and ends without it. */
static void *allocate(size_t size)
{
    void *memory = parsing && ran_out ? NULL : mem_zalloc(size);
    if (!memory)
        ran_out = true;
    return memory;
}

/* The functions are the whole process's: a program that brought its own keeps them. Memory of the
 * default ones and of core/mem may be released by either. */
static void install_allocator(void)
{
    json_malloc_t now_malloc = NULL;
    json_free_t now_free = NULL;
    json_get_alloc_funcs(&now_malloc, &now_free);
    if (now_malloc == malloc && now_free == free)
        json_set_alloc_funcs(allocate, mem_free);
}

void json_prepare(void)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    pthread_once(&once, install_allocator);
}

static void begin(void)
{
    json_prepare();
    ran_out = false;
}

struct place {
    int line, column;
};

/* Where nesting goes beyond JSON_MAX_DEPTH; line 0: nowhere. jansson's own limit is 2,048. */
static struct place too_deep(const char *text, size_t len)
{
    struct place at = {1, 0};
    size_t depth = 0;
    bool quoted = false;
    for (size_t i = 0; i < len; i++) {
        at.column += ((unsigned char)text[i] & 0xc0) != 0x80;
        if (text[i] == '\n')
            at = (struct place){at.line + 1, 0};
        else if (text[i] == '"')
            quoted = !quoted;
        else if (quoted)
            i += text[i] == '\\';
        else if (text[i] == '[' || text[i] == '{')
            depth++;
        else if ((text[i] == ']' || text[i] == '}') && depth > 0)
            depth--;
        if (depth > JSON_MAX_DEPTH)
            return at;
    }
    return (struct place){0, 0};
}

static const char *words_of(const json_error_t *e)
{
    static const struct {
        enum json_error_code code;
        const char *words;
    } rows[] = {
        {json_error_stack_overflow, "it is nested too deeply"},
        {json_error_invalid_utf8, "a character is not UTF-8"},
        {json_error_premature_end_of_input, "it ends too early"},
        {json_error_end_of_input_expected, "something follows its end"},
        {json_error_null_character, "a NUL character in a text"},
        {json_error_null_byte_in_key, "a NUL character in a member's name"},
        {json_error_duplicate_key, "a member's name occurs twice"},
        {json_error_numeric_overflow, "a number does not fit 64 bits"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        if (json_error_code(e) == rows[i].code)
            return rows[i].words;
    }
    return "not the syntax of JSON";
}

/* jansson counts what it has read of the line: nothing yet is the first column, too. */
static weir_status refuse(weir_error *err, const char *what, struct place at, const char *why)
{
    at.column += at.column == 0;
    return error_set(err, WEIR_INVALID, "%s: no valid JSON at line %d, column %d: %s", what,
                     at.line, at.column, why);
}

/* jansson passes over a NUL after a number or a word. JSON has none anywhere (RFC 8259, 2). */
static bool holds_nul(const char *text, size_t len, struct place *at)
{
    const char *nul = memchr(text, '\0', len);
    *at = (struct place){1, 1};
    for (; nul && text < nul; text++) {
        at->column = *text == '\n' ? 1 : at->column + 1;
        at->line += *text == '\n';
    }
    return nul != NULL;
}

json_t *json_parse(const char *text, size_t len, const char *what, weir_error *err)
{
    if (!text || len == 0) {
        error_set(err, WEIR_INVALID, "%s: empty, where JSON was expected", what);
        return NULL;
    }
    const int most = LIMIT_JSON_TEXT;
    if (len > (size_t)most) {
        error_set(err, WEIR_INVALID, "%s: %zu bytes of JSON, at most %d are read", what, len, most);
        return NULL;
    }
    struct place deep = too_deep(text, len);
    if (deep.line > 0) {
        refuse(err, what, deep, "it is nested too deeply");
        return NULL;
    }
    begin();
    json_error_t e = {0};
    struct place nul;
    parsing = true;
    json_t *value = json_loadb(text, len, JSON_DECODE_ANY | JSON_REJECT_DUPLICATES, &e);
    parsing = false;
    bool good = value && !ran_out;
    if (good && !holds_nul(text, len, &nul)) {
        error_ok(err);
        return value;
    }
    if (good) {
        refuse(err, what, nul, "a NUL character, which is no blank");
        json_decref(value);
        return NULL;
    }
    if (ran_out || json_error_code(&e) == json_error_out_of_memory)
        error_no_memory(err);
    else
        refuse(err, what, (struct place){e.line, e.column}, words_of(&e));
    json_decref(value);
    return NULL;
}

json_t *json_of(const weir_json *value)
{
    return (json_t *)(uintptr_t)value; /* jansson's readers want no const, but change nothing */
}

weir_json *json_wrap(json_t *stolen)
{
    return (weir_json *)stolen;
}

void json_add_string(struct buf *out, const char *text, size_t len)
{
    buf_adds(out, "\"");
    for (size_t i = 0; i < len; i++) {
        unsigned char c = (unsigned char)text[i];
        if (c == '"' || c == '\\')
            buf_addf(out, "\\%c", c);
        else if (c < 0x20)
            buf_addf(out, "\\u%04x", (unsigned)c);
        else
            buf_add(out, text + i, 1);
    }
    buf_adds(out, "\"");
}

static int add_piece(const char *text, size_t len, void *user)
{
    struct buf *out = user;
    buf_add(out, text, len);
    return out->failed ? -1 : 0;
}

char *json_text(const json_t *value, bool compact)
{
    struct buf out = BUF_INIT(SIZE_MAX / 2);
    size_t flags = JSON_ENCODE_ANY | (compact ? JSON_COMPACT : JSON_INDENT(2));
    begin();
    if (!value || json_dump_callback(value, add_piece, &out, flags) || ran_out)
        buf_free(&out);
    return out.data;
}

weir_json *weir_json_parse(const char *text, size_t len, weir_error *err)
{
    return json_wrap(json_parse(text, len, "JSON", err));
}

weir_json *weir_json_pack(weir_error *err, const char *fmt, ...)
{
    json_error_t e = {0};
    begin();
    va_list args;
    va_start(args, fmt);
    json_t *value = fmt ? json_vpack_ex(&e, 0, fmt, args) : NULL;
    va_end(args);
    if (value && !ran_out) {
        error_ok(err);
        return json_wrap(value);
    }
    json_decref(value);
    if (ran_out)
        error_no_memory(err);
    else
        error_set(err, WEIR_INVALID, "weir_json_pack: %s", fmt ? e.text : "the format is NULL");
    return NULL;
}

void weir_json_free(weir_json *value)
{
    json_decref(json_of(value));
}

char *weir_json_text(const weir_json *value)
{
    return json_text(json_of(value), true);
}
