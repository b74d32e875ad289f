/* Every RPC with its normal case and its errors, on a real gateway: runs a file of cases (see
 * rpcs/README.md) from top to bottom, through weir_zeebe_call() and, for the two that stream,
 * weir_call_next(). Usage: peer_rpcs ADDRESS GENERATION PREFIX FILE. Prints "ok NAME" or
 * "FAIL NAME: why". Each call has a limit and each repetition a count, so that it ends.
 */
#include <stdio.h>
#include <stdlib.h>

#include "core/clock.h"
#include "core/file.h"
#include "core/mem.h"
#include "core/text.h"

#include <weir/channel.h>
#include <weir/error.h>
#include <weir/zeebe.h>

#define LIMIT_MS    20000
#define PAUSE_MS    100
#define PATIENCE_MS 15000
#define TEXT_MAX    ((size_t)8 * 1024 * 1024)
#define VALUE_MAX   64
#define FEW         8

static const char *prefix, *generation, *folder;
static weir_channel *channel;
static weir_zeebe *zeebe;
static int failures;

/* One case: texts lie in the file. */
struct step {
    char *name, *rpc, *request, *meanwhile, *want, *why_not;
    char *words[FEW], *keeps[FEW];
    size_t word_count, keep_count;
    long tries, limit;
    bool elsewhere; /* not on this generation */
};

/* What came back: a text, or an error. */
struct answer {
    char *text;
    weir_error err;
};

/* ---- values ------------------------------------------------------------------------------- */

static struct {
    char name[VALUE_MAX], value[VALUE_MAX];
} kept[64];
static size_t kept_count;

static const char *value_of(const char *name, size_t len)
{
    for (size_t i = kept_count; i-- > 0;) {
        if (strlen(kept[i].name) == len && strncmp(kept[i].name, name, len) == 0)
            return kept[i].value;
    }
    return NULL;
}

static void add_file(struct buf *out, const char *name)
{
    char path[512];
    char *text = NULL;
    size_t len = 0;
    weir_error err = {0};
    snprintf(path, sizeof path, "%s/%s", folder, name);
    if (file_read(path, TEXT_MAX, "the resource", &text, &len, &err) == WEIR_OK)
        base64_add(out, text, len, true);
    else
        fprintf(stderr, "%s\n", err.message);
    mem_free(text);
}

/* name(ARGUMENT): what is behind it. */
static const char *add_function(struct buf *out, const char *name, const char *argument)
{
    char text[VALUE_MAX];
    size_t len = strcspn(argument, ")");
    snprintf(text, sizeof text, "%.*s", (int)len, argument);
    if (strncmp(name, "file", 4) == 0)
        add_file(out, text);
    else
        for (long i = strtol(text, NULL, 10); i > 0; i--)
            buf_add(out, "x", 1);
    return argument + len + 1;
}

/* $name, $name-n, $file(NAME), $x(COUNT), from behind the '$'; NULL: nobody kept it. */
static const char *add_value(struct buf *out, const char *at, int n)
{
    size_t len = strspn(at, "abcdefghijklmnopqrstuvwxyz_");
    const char *end = at + len;
    if (*end == '(')
        return add_function(out, at, end + 1);
    const char *value = value_of(at, len);
    if (!value)
        return NULL;
    if (strncmp(end, "-n", 2) != 0) {
        buf_adds(out, value);
        return end;
    }
    buf_addf(out, "%lld", strtoll(value, NULL, 10) - n);
    return end + 2;
}

/* `template` with its values, for mem_free(); NULL when one is missing. */
static char *filled(const char *template, int n)
{
    struct buf out = BUF_INIT(TEXT_MAX);
    while (template && *template) {
        size_t plain = strcspn(template, "$");
        buf_add(&out, template, plain);
        template += plain;
        if (*template)
            template = add_value(&out, template + 1, n);
    }
    if (template && buf_finish(&out, NULL) == WEIR_OK)
        return out.data;
    buf_free(&out);
    return NULL;
}

static void keep_value(char *keep, const weir_json *answer)
{
    char *pointer = strchr(keep, ' ');
    const char *value = weir_json_str(answer, pointer + 1, "");
    if (!*value || kept_count == sizeof kept / sizeof *kept)
        return;
    snprintf(kept[kept_count].name, VALUE_MAX, "%.*s", (int)(pointer - keep), keep);
    snprintf(kept[kept_count].value, VALUE_MAX, "%s", value);
    kept_count++;
}

/* ---- calls -------------------------------------------------------------------------------- */

static bool streams(const char *rpc)
{
    return strcmp(rpc, "ActivateJobs") == 0 || strcmp(rpc, "StreamActivatedJobs") == 0;
}

static bool holds_job(const char *message)
{
    return strstr(message, "\"elementInstanceKey\"") != NULL;
}

/* Another call while the stream is open; "RPC JSON". */
static void run_meanwhile(const char *line)
{
    char rpc[VALUE_MAX];
    const char *request = strchr(line, ' ');
    weir_error err = {0};
    snprintf(rpc, sizeof rpc, "%.*s", (int)(request - line), line);
    char *answer = weir_zeebe_call(zeebe, rpc, request + 1, WEIR_CALL(.timeout = LIMIT_MS), &err);
    weir_free(answer);
}

/* The first message with a job; NOTHING when the answer ended without. */
static void ask_stream(const struct step *s, const char *request, struct answer *a)
{
    weir_call *call =
        weir_zeebe_call_start(zeebe, s->rpc, request, WEIR_CALL(.timeout = s->limit), &a->err);
    while (call) {
        if (s->meanwhile)
            run_meanwhile(s->meanwhile);
        weir_ms wait = s->meanwhile ? 10 * PAUSE_MS : WEIR_FOREVER;
        weir_status status = weir_call_next(call, &a->text, wait, &a->err);
        if (status == WEIR_STOPPED)
            a->err.status = WEIR_NOTHING;
        if ((status != WEIR_OK && status != WEIR_NOTHING) || (a->text && holds_job(a->text)))
            break;
        weir_free(a->text);
        a->text = NULL;
    }
    weir_call_free(call);
}

static void ask(const struct step *s, const char *request, struct answer *a)
{
    if (streams(s->rpc))
        ask_stream(s, request, a);
    else
        a->text = weir_zeebe_call(zeebe, s->rpc, request, WEIR_CALL(.timeout = s->limit), &a->err);
}

/* ---- what must come back ------------------------------------------------------------------ */

/* "STATUS" or "STATUS kind" */
static bool is_wanted(const char *want, const weir_error *err)
{
    char got[VALUE_MAX];
    const char *kind = weir_kind_name(err->kind);
    snprintf(got, sizeof got, "%s%s%s", weir_status_name(err->status) + strlen("WEIR_"),
             *kind ? " " : "", kind);
    return strcmp(got, want) == 0;
}

/* NULL, or why it is not as it must be. */
static const char *complaint(const struct step *s, const struct answer *a)
{
    if (!is_wanted(s->want, &a->err))
        return "another outcome";
    const char *said = a->text ? a->text : a->err.message;
    for (size_t i = 0; i < s->word_count; i++) {
        char *words = filled(s->words[i], 0);
        bool there = words && strstr(said, words);
        mem_free(words);
        if (!there)
            return s->words[i];
    }
    return NULL;
}

static void report(const struct step *s, const struct answer *a, const char *why)
{
    if (!why) {
        printf("ok %s %s\n", prefix, s->name);
        return;
    }
    failures++;
    printf("FAIL %s %s: wanted %s, %s; got %s %s %.400s\n", prefix, s->name, s->want, why,
           weir_status_name(a->err.status), weir_kind_name(a->err.kind),
           a->text ? a->text : a->err.message);
}

static void keep_values(const struct step *s, const struct answer *a)
{
    weir_json *answer = a->text ? weir_json_parse(a->text, strlen(a->text), NULL) : NULL;
    for (size_t i = 0; i < s->keep_count; i++)
        keep_value(s->keeps[i], answer);
    weir_json_free(answer);
}

/* Jobs come when the engine has got so far: a poll that should find some is repeated for a while.
 */
static bool is_over(const struct step *s, int n, int64_t end)
{
    bool polls = streams(s->rpc) && strcmp(s->want, "OK") == 0;
    return polls ? clock_mono(clock_system()) >= end : n >= s->tries;
}

/* Once; true when it is as wanted, or when trying again is no use. */
static bool try_once(const struct step *s, int n, int64_t end)
{
    struct answer a = {0};
    char *request = filled(s->request, n);
    const char *why = "a value that no case kept";
    if (request) {
        ask(s, request, &a);
        why = complaint(s, &a);
    }
    bool last = !why || !request || is_over(s, n, end);
    if (last)
        report(s, &a, why);
    if (!why)
        keep_values(s, &a);
    weir_free(a.text);
    mem_free(request);
    return last;
}

static void run(const struct step *s)
{
    weir_error news = {0};
    int64_t end = clock_mono(clock_system()) + PATIENCE_MS * NS_PER_MS;
    if (!s->name || s->elsewhere)
        return;
    if (s->why_not)
        printf("skip %s %s: %s\n", prefix, s->name, s->why_not);
    for (int n = 1; !s->why_not && !try_once(s, n, end);
         n++) /* the pause is a wait for news of the channel */
        weir_channel_wait(channel, WEIR_CHANNEL_READY, PAUSE_MS, &news);
    fflush(stdout);
}

/* ---- the file ----------------------------------------------------------------------------- */

static void add(char **list, size_t *count, char *text)
{
    if (*count < FEW)
        list[(*count)++] = text;
}

static void set_call(struct step *s, char *rest)
{
    s->rpc = rest;
    s->request = strchr(rest, ' ');
    *s->request++ = '\0';
}

/* Lines that are a text or a number of the case; false: another line. */
static bool take_plain(struct step *s, const char *word, char *rest)
{
    const struct {
        const char *word;
        char **text;
        long *number;
    } plain[] = {{"meanwhile", &s->meanwhile, NULL},
                 {"skip", &s->why_not, NULL},
                 {"want", &s->want, NULL},
                 {"tries", NULL, &s->tries},
                 {"limit", NULL, &s->limit}};
    for (size_t i = 0; i < sizeof plain / sizeof *plain; i++) {
        if (strcmp(word, plain[i].word) != 0)
            continue;
        if (plain[i].text)
            *plain[i].text = rest;
        else
            *plain[i].number = strtol(rest, NULL, 10);
        return true;
    }
    return false;
}

static void take_line(struct step *s, const char *word, char *rest)
{
    if (take_plain(s, word, rest) || !*word || *word == '#')
        return;
    if (strcmp(word, "case") == 0) {
        run(s);
        *s = (struct step){.name = rest, .limit = LIMIT_MS};
    } else if (strcmp(word, "on") == 0)
        s->elsewhere = !strstr(rest, generation);
    else if (strcmp(word, "call") == 0)
        set_call(s, rest);
    else if (strcmp(word, "words") == 0)
        add(s->words, &s->word_count, rest);
    else if (strcmp(word, "keep") == 0)
        add(s->keeps, &s->keep_count, rest);
    else {
        printf("FAIL %s not a line of a case: %s\n", prefix, word);
        failures++;
    }
}

static void run_cases(char *text)
{
    struct step s = {0};
    for (char *line = text, *end; line; line = end) {
        end = strchr(line, '\n');
        if (end)
            *end++ = '\0';
        char *rest = strchr(line, ' ');
        if (rest)
            *rest++ = '\0';
        take_line(&s, line, rest ? rest : line);
    }
    run(&s);
}

/* Each of the gateway's RPCs must be called by the file. */
static void check_all_called(const char *text)
{
    for (const char *const *name = weir_zeebe_rpcs(); *name; name++) {
        const char *own = strchr(*name, '/');
        char line[128];
        snprintf(line, sizeof line, "\ncall %s ", own ? own + 1 : *name);
        if (strncmp(*name, "gateway_protocol.", 17) == 0 && !strstr(text, line)) {
            printf("FAIL %s every RPC is called: %s is not\n", prefix, *name);
            failures++;
        }
    }
}

int main(int argc, char **argv)
{
    if (argc < 5 || !strchr(argv[4], '/'))
        return 64;
    char *text = NULL, *slash = strrchr(argv[4], '/'); /* of the folder */
    size_t len = 0;
    weir_error err = {0};
    generation = argv[2];
    prefix = argv[3];
    if (file_read(argv[4], TEXT_MAX, "the cases", &text, &len, &err) == WEIR_OK)
        channel = weir_channel_insecure(WEIR_CHANNEL(.grpc_address = argv[1]), &err);
    zeebe = weir_zeebe_new(channel, &err);
    if (zeebe) {
        *slash = '\0';
        folder = argv[4];
        if (strstr(text, "\ncall Topology"))
            check_all_called(text);
        run_cases(text);
    }
    weir_zeebe_free(zeebe);
    weir_channel_close(channel);
    mem_free(text);
    return failures ? 1 : weir_error_exit(&err, "rpcs");
}
