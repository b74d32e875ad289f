/* A server's answer, checked and taken apart in one pass.
 *
 * Everything is stepped over by core/json_scan.c; here are only the three levels in which something
 * is looked for: the members of a message, of its "data", and of the "event" in it. What is found
 * is a slice of the text. The cost of an event is that of looking at each of its bytes once;
 * nothing is allocated for one but its place in the array.
 *
 * A member that is looked for and occurs twice makes the answer invalid, as core/json does for all;
 * twice the same name in a place where nothing is looked for is the program's affair.
 *
 * Thread: any; a batch does not change once it is made. */
#include "bayeux/message.h"

#include "core/error.h"
#include "core/json.h"
#include "core/json_scan.h"
#include "core/mem.h"
#include "core/text.h"

#include <string.h>
#include <strings.h>

#define FIRST_MESSAGES 16
#define WORDS_MAX      120 /* of an answer that is none, in an error */

enum trouble { TROUBLE_NONE, TROUBLE_SYNTAX, TROUBLE_NO_MESSAGE, TROUBLE_TWICE, TROUBLE_MEMORY };

struct reader {
    const char *at, *end;
    struct batch *batch;
    size_t room;
    enum trouble trouble;
    const char *failed; /* SYNTAX: how far it is right */
};

static bool broken(struct reader *r, enum trouble trouble)
{
    r->trouble = trouble;
    r->failed = r->at;
    return false;
}

/* ---- walking through objects -------------------------------------------------------------- */

static inline void blanks(struct reader *r)
{
    if (r->at < r->end && (unsigned char)*r->at <= ' ')
        r->at = json_skip_blanks(r->at, r->end);
}

static inline bool take(struct reader *r, char c)
{
    bool is = r->at < r->end && *r->at == c;
    r->at += is;
    return is;
}

static bool value(struct reader *r, size_t depth)
{
    const char *behind = json_skip_value(r->at, r->end, depth, &r->failed);
    if (!behind) {
        r->trouble = TROUBLE_SYNTAX;
        return false;
    }
    r->at = behind;
    return true;
}

enum step { STEP_MEMBER, STEP_END, STEP_BROKEN };

/* From behind '{' or a value to the value of the next member; *name without its quotes. */
static inline enum step next_member(struct reader *r, bool first, weir_bytes *name)
{
    blanks(r);
    if (take(r, '}'))
        return STEP_END;
    if (!first && !take(r, ','))
        return broken(r, TROUBLE_SYNTAX), STEP_BROKEN;
    blanks(r);
    const char *behind = json_skip_string(r->at, r->end, &r->failed);
    if (!behind) {
        r->trouble = TROUBLE_SYNTAX;
        return STEP_BROKEN;
    }
    *name = (weir_bytes){r->at + 1, (size_t)(behind - r->at) - 2};
    r->at = behind;
    blanks(r);
    if (!take(r, ':'))
        return broken(r, TROUBLE_SYNTAX), STEP_BROKEN;
    blanks(r);
    return STEP_MEMBER;
}

/* Names are written without escapes by every server there is, and may be written with them. */
static bool same_escaped(weir_bytes name, const char *text)
{
    const char *raw = name.data;
    weir_bytes quoted = {raw - 1, name.len + 2};
    return memchr(raw, '\\', name.len) && slice_equals(quoted, text);
}

static inline bool is_named(weir_bytes name, const char *text, size_t len)
{
    if (name.len == len && memcmp(name.data, text, len) == 0)
        return true;
    return name.len > len && same_escaped(name, text);
}

/* ---- a message ---------------------------------------------------------------------------- */

/* No two are of the same length. */
static const struct wanted {
    const char *name;
    size_t offset;
} wanted[] = {
    [2] = {"id", offsetof(struct message, id)},
    [3] = {"ext", offsetof(struct message, ext)},
    [4] = {"data", offsetof(struct message, data)},
    [5] = {"error", offsetof(struct message, error)},
    [6] = {"advice", offsetof(struct message, advice)},
    [7] = {"channel", offsetof(struct message, channel)},
    [8] = {"clientId", offsetof(struct message, client_id)},
    [10] = {"successful", offsetof(struct message, successful)},
    [12] = {"subscription", offsetof(struct message, subscription)},
};
#define WANTED (sizeof wanted / sizeof *wanted)

static const struct wanted *wanted_escaped(weir_bytes name)
{
    for (size_t i = 0; i < WANTED; i++) {
        if (wanted[i].name && same_escaped(name, wanted[i].name))
            return &wanted[i];
    }
    return NULL;
}

static weir_bytes *slot_of(struct message *m, weir_bytes name)
{
    const struct wanted *row = name.len < WANTED ? &wanted[name.len] : NULL;
    if (!row || !row->name || memcmp(row->name, name.data, name.len) != 0)
        row = name.len > 2 ? wanted_escaped(name) : NULL;
    return row ? (weir_bytes *)(void *)((char *)m + row->offset) : NULL;
}

/* The value at r->at goes into *slot, which must be empty. */
static bool keep(struct reader *r, weir_bytes *slot, const char *from)
{
    if (slot->data)
        return broken(r, TROUBLE_TWICE);
    *slot = (weir_bytes){from, (size_t)(r->at - from)};
    return true;
}

/* The members of an "event"; `depth` counts this one, too. */
static bool event(struct reader *r, size_t depth, struct message *m)
{
    weir_bytes name;
    enum step step;
    r->at++;
    for (bool first = true; (step = next_member(r, first, &name)) == STEP_MEMBER; first = false) {
        const char *from = r->at;
        if (!value(r, depth))
            return false;
        if (is_named(name, "replayId", 8) && !keep(r, &m->replay_id, from))
            return false;
    }
    return step == STEP_END;
}

/* The members of "data". */
static bool data(struct reader *r, size_t depth, struct message *m)
{
    weir_bytes name;
    enum step step;
    bool seen = false;
    r->at++;
    for (bool first = true; (step = next_member(r, first, &name)) == STEP_MEMBER; first = false) {
        bool is_event = is_named(name, "event", 5);
        if (is_event && seen)
            return broken(r, TROUBLE_TWICE);
        seen = seen || is_event;
        bool inside = is_event && r->at < r->end && *r->at == '{';
        if (!(inside ? event(r, depth + 1, m) : value(r, depth)))
            return false;
    }
    return step == STEP_END;
}

static bool members(struct reader *r, size_t depth, struct message *m)
{
    weir_bytes name;
    enum step step;
    r->at++;
    for (bool first = true; (step = next_member(r, first, &name)) == STEP_MEMBER; first = false) {
        weir_bytes *slot = slot_of(m, name);
        const char *from = r->at;
        bool inside = slot == &m->data && r->at < r->end && *r->at == '{';
        if (!(inside ? data(r, depth + 1, m) : value(r, depth)))
            return false;
        if (slot && !keep(r, slot, from))
            return false;
    }
    return step == STEP_END;
}

static struct message *new_message(struct reader *r)
{
    struct batch *batch = r->batch;
    if (batch->count == r->room) {
        size_t room = r->room ? r->room * 2 : FIRST_MESSAGES;
        void *grown = mem_realloc(batch->messages, room * sizeof *batch->messages);
        if (!grown)
            return NULL;
        batch->messages = grown;
        r->room = room;
    }
    struct message *m = &batch->messages[batch->count++];
    *m = (struct message){0};
    return m;
}

/* One message, with `depth` levels around it. */
static bool message(struct reader *r, size_t depth)
{
    const char *from = r->at;
    if (r->at == r->end || *r->at != '{') /* another value may still be no JSON at all */
        return value(r, depth) && broken(r, TROUBLE_NO_MESSAGE);
    struct message *m = new_message(r);
    if (!m)
        return broken(r, TROUBLE_MEMORY);
    if (!members(r, depth + 1, m))
        return false;
    m->raw = (weir_bytes){from, (size_t)(r->at - from)};
    return slice_is_string(m->channel) || broken(r, TROUBLE_NO_MESSAGE);
}

static bool array(struct reader *r)
{
    r->at++;
    blanks(r);
    if (take(r, ']'))
        return true;
    do {
        blanks(r);
        if (!message(r, 1))
            return false;
        blanks(r);
    } while (take(r, ','));
    return take(r, ']') || broken(r, TROUBLE_SYNTAX);
}

static bool answer(struct reader *r)
{
    blanks(r);
    bool ok = r->at < r->end && *r->at == '[' ? array(r) : message(r, 0);
    if (!ok)
        return false;
    blanks(r);
    return r->at == r->end || broken(r, TROUBLE_SYNTAX);
}

/* ---- what it is instead ------------------------------------------------------------------- */

static bool is_page(const char *text, size_t len)
{
    const char *end = text + len;
    const char *at = json_skip_blanks(text, end);
    size_t left = (size_t)(end - at);
    return (left >= 5 && strncasecmp(at, "<html", 5) == 0) ||
           (left >= 9 && strncasecmp(at, "<!doctype", 9) == 0);
}

/* "WHAT: SAYING: first words of the answer"; retrying may mend what was cut off on its way. */
static void say(weir_error *err, const char *what, const char *saying, const struct batch *b)
{
    struct buf words = BUF_INIT((size_t)1024);
    text_fold(&words, b->text, b->len, WORDS_MAX);
    error_set(err, WEIR_PROTOCOL, "%s: %s: %s", what, saying, words.data ? words.data : "");
    buf_free(&words);
}

static void say_syntax(const struct reader *r, const char *what, weir_error *err)
{
    const struct batch *b = r->batch;
    const char *first = b->text ? json_skip_blanks(b->text, r->end) : r->end;
    if (first == r->end) {
        error_set(err, WEIR_PROTOCOL, "%s: the answer is empty", what);
        err->retry_in_ms = 0;
    } else if (is_page(b->text, b->len)) {
        error_set(err, WEIR_PROTOCOL,
                  "%s: the answer is an HTML page, not Bayeux messages; is the URL right?", what);
    } else if (*first != '[' && *first != '{') {
        say(err, what, "the answer is no JSON", b);
    } else if (r->failed == r->end) {
        error_set(err, WEIR_PROTOCOL, "%s: the answer is cut off after %zu bytes", what, b->len);
        err->retry_in_ms = 0;
    } else {
        error_set(err, WEIR_PROTOCOL, "%s: the answer is no valid JSON at byte %zu of %zu", what,
                  (size_t)(r->failed - b->text) + 1, b->len);
    }
}

static void explain(const struct reader *r, const char *what, weir_error *err)
{
    weir_error unused = {0};
    err = err ? err : &unused;
    if (r->trouble == TROUBLE_MEMORY)
        error_no_memory(err);
    else if (r->trouble == TROUBLE_NO_MESSAGE)
        say(err, what, "the answer is JSON that is no Bayeux message", r->batch);
    else if (r->trouble == TROUBLE_TWICE)
        error_set(err, WEIR_PROTOCOL,
                  "%s: the answer is no valid JSON: a member's name occurs twice before byte %zu",
                  what, (size_t)(r->failed - r->batch->text) + 1);
    else
        say_syntax(r, what, err);
}

struct batch *batch_new(char *text, size_t len, const char *what, weir_error *err)
{
    struct batch *batch = mem_zalloc(sizeof *batch);
    if (!batch) {
        mem_free(text);
        error_no_memory(err);
        return NULL;
    }
    atomic_init(&batch->refs, 1);
    batch->text = text;
    batch->len = text ? len : 0;
    struct reader r = {.at = text ? text : "", .batch = batch};
    r.end = r.at + batch->len;
    if (!answer(&r)) {
        explain(&r, what, err);
        batch_free(batch);
        return NULL;
    }
    error_ok(err);
    return batch;
}

struct batch *batch_ref(struct batch *batch)
{
    if (batch)
        atomic_fetch_add_explicit(&batch->refs, 1, memory_order_relaxed);
    return batch;
}

void batch_free(struct batch *batch)
{
    if (!batch || atomic_fetch_sub_explicit(&batch->refs, 1, memory_order_acq_rel) != 1)
        return;
    mem_free(batch->text);
    mem_free(batch->messages);
    mem_free(batch);
}
