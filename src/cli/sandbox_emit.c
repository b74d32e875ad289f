/* `weir sandbox emit` and `weir sandbox now`. Events go to the sandbox in pieces of some hundred
 * kilobytes, or of some thousand events, and what is emitted is printed piece by piece. */
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <weir/json.h>

#include "cli/commands.h"
#include "cli/fail.h"
#include "cli/file.h"
#include "cli/out.h"
#include "cli/sandbox_orders.h"
#include "cli/session.h"
#include "cli/str.h"
#include "cli/value.h"
#include "sandbox/control_client.h"

#define PIECE_BYTES  ((size_t)128 * 1024)
#define PIECE_EVENTS 5000
#define LINE_EVENTS  1000 /* the sandbox's limit for a line */

struct emitting {
    const char *url, *service, *channel;
    weir_ms limit;
    int64_t count, first, pad, id;
    struct str lines;
    int64_t pending; /* events in `lines` */
    weir_error err;
};

static bool send(struct emitting *e)
{
    if (e->lines.len == 0)
        return true;
    char *ids = control_emit(e->url, str_text(&e->lines), e->limit, &e->err);
    str_clear(&e->lines);
    e->pending = 0;
    if (!ids)
        return false;
    out_add(ids);
    out_flush();
    weir_free(ids);
    return true;
}

/* `data` is compact JSON. */
static void add_line(struct emitting *e, const char *data, int64_t count, int64_t first)
{
    str_add(&e->lines, "{\"service\":");
    str_add_json(&e->lines, e->service);
    str_add(&e->lines, ",\"channel\":");
    str_add_json(&e->lines, e->channel);
    str_addf(&e->lines, ",\"count\":%lld,\"first\":%lld,\"pad\":%lld,\"id\":%lld,\"data\":%s}\n",
             (long long)count, (long long)first, (long long)e->pad, (long long)e->id, data);
    e->id = 0;
    e->pending += count ? count : 1;
}

static bool emit_data(struct emitting *e, const char *data)
{
    int64_t left = e->count, first = e->first;
    bool good = true;
    do {
        int64_t some = left < LINE_EVENTS ? left : LINE_EVENTS;
        add_line(e, data, some, first);
        left -= some;
        first += some;
        if (e->pending >= PIECE_EVENTS || e->lines.len >= PIECE_BYTES)
            good = send(e);
    } while (good && left > 0);
    return good;
}

/* Compact, weir_free(); NULL: *err names `what`. */
static char *compact(const char *text, size_t len, const char *what, weir_error *err)
{
    weir_error own = {0};
    weir_json *tree = weir_json_parse(text, len, &own);
    char *out = tree ? weir_json_text(tree) : NULL;
    weir_json_free(tree);
    if (!out)
        (void)fail_set(err, own.status ? own.status : WEIR_NO_MEMORY, "%s: %s", what, own.message);
    return out;
}

/* Literal JSON, @FILE, - or the path of an existing file; weir_free(). */
static char *read_data(const char *value, weir_error *err)
{
    struct stat about;
    size_t len = 0;
    const char *path = *value == '@' ? value + 1 : value;
    bool file = *value == '@' || strcmp(value, "-") == 0 || stat(value, &about) == 0;
    char *text = file ? cli_read_file(path, &len, err) : copy_or_exit(value, strlen(value));
    char *out = text ? compact(text, file ? len : strlen(text), "--data", err) : NULL;
    release_memory(text);
    return out;
}

static bool emit_lines(struct emitting *e)
{
    size_t len = 0, number = 1;
    char *text = cli_read_file("-", &len, &e->err);
    const char *at = text, *end = text ? text + len : NULL;
    bool good = text != NULL;
    for (; good && at < end; number++) {
        char what[40];
        const char *stop = memchr(at, '\n', (size_t)(end - at));
        size_t size = (size_t)((stop ? stop : end) - at);
        (void)snprintf(what, sizeof what, "line %zu", number);
        char *data = size ? compact(at, size, what, &e->err) : NULL;
        good = size == 0 || (data && emit_data(e, data));
        weir_free(data);
        at += size + 1;
    }
    release_memory(text);
    return good;
}

/* False: *err names the flag. */
static bool read_number(const struct args *args, const char *flag, int64_t *out, weir_error *err)
{
    const char *text = args_text(args, flag);
    bool size = strcmp(flag, "pad") == 0;
    if (!text)
        return true;
    const char *wrong = size ? value_size(text, out) : value_number(text, out);
    if (!wrong && *out < (size ? 0 : 1))
        wrong = "is too small";
    if (wrong)
        (void)fail_set(err, WEIR_INVALID, "--%s: \"%s\" %s", flag, text, wrong);
    return !wrong;
}

static bool read_numbers(const struct args *args, struct emitting *e)
{
    e->first = 1;
    return read_number(args, "count", &e->count, &e->err) &&
           read_number(args, "first", &e->first, &e->err) &&
           read_number(args, "pad", &e->pad, &e->err) &&
           read_number(args, "replay-id", &e->id, &e->err);
}

static bool emit_all(struct emitting *e, const char *data, bool lines)
{
    char *text = lines ? NULL : read_data(data, &e->err);
    bool good = lines ? emit_lines(e) : text && emit_data(e, text);
    weir_free(text);
    return send(e) && good;
}

int sandbox_emit_run(const struct args *args)
{
    struct emitting e = {.limit = session_timeout(args)};
    const char *data = args_text(args, "data");
    bool lines = args_switch(args, "lines");
    if (args->word_count < 2)
        return fail_usage("SERVICE and CHANNEL are missing: weir sandbox emit salesforce CHANNEL");
    e.service = args->words[0];
    e.channel = args->words[1];
    if (strcmp(e.service, "salesforce") != 0 && strcmp(e.service, "bayeux") != 0)
        return fail_usage("\"%s\" emits nothing; there are salesforce and bayeux", e.service);
    if (lines && (data || args_has(args, "count")))
        return fail_usage("--lines takes the data from standard input: no --data, no --count");
    e.url = sandbox_url(&e.err);
    bool good = e.url && read_numbers(args, &e) && emit_all(&e, data ? data : "{}", lines);
    str_free(&e.lines);
    return good ? 0 : fail_with(&e.err);
}

int sandbox_now_run(const struct args *args)
{
    weir_error err = {0};
    struct str line = {0};
    if (args->word_count < 2)
        return fail_usage("SERVICE and WHAT are missing: weir sandbox now salesforce kill");
    for (size_t i = 0; i < args->word_count; i++)
        str_addf(&line, "%s%s", i ? " " : "", args->words[i]);
    const char *url = sandbox_url(&err);
    if (url)
        (void)control_now(url, str_text(&line), session_timeout(args), &err);
    str_free(&line);
    return err.status == WEIR_OK ? 0 : fail_with(&err);
}
