/* Records in a Redis server, for several processes of which one listens.
 *
 * Keys (GROUP's and ORGANISATION's own ':', '%', '{' and '}' as %HH; the braces keep both on one
 * node of a cluster):
 *   weir:{ORGANISATION:GROUP}        a hash: "owner" = "TOKEN PROCESS", and for each channel
 *                                    "position CHANNEL" = digits, "record CHANNEL" = what else is
 *                                    known, as text
 *   weir:{ORGANISATION:GROUP}:lease  TOKEN, for 15 s
 *
 * Everything is done by scripts, each atomic. Whoever has the lease may write; whoever had it and
 * finds that nobody had it since (the lease has run out, "owner" is still its token) has it again;
 * anyone else is told who has it. A save renews the lease. A claim is good until 15 s after the
 * request that renewed it was SENT, by a clock that counts suspend, so it ends here before it ends
 * there.
 *
 * "owner" is in the hash with the positions, so that both are lost together: a server that has
 * forgotten them (a restart without persistence, FLUSHALL, eviction) is recognized by that, told of
 * in the log, and gets all that is known here again. Only what listeners before this one saved for
 * other channels is gone.
 *
 * Positions are compared as texts: Lua's numbers are doubles. Requests may be repeated after a
 * connection was lost: every one of them has the same effect twice. */
#include "core/backoff.h"
#include "core/clock.h"
#include "core/error.h"
#include "core/log.h"
#include "core/mem.h"
#include "core/options.h"
#include "core/shield.h"
#include "core/text.h"
#include "io/loop.h"
#include "salesforce/redis_link.h"
#include "salesforce/redis_url.h"
#include "salesforce/store_table.h"

#include <inttypes.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define LEASE_MS    15000
#define LEASE_TEXT  "15000"
#define ATTEMPT_MS  3000 /* before a connection is given up for another one */
#define REQUEST_MAX ((size_t)64 * 1024 * 1024)

struct store_redis {
    weir_replay base;
    struct redis_url url;
    struct redis_link *link;
    struct table table; /* what was loaded and saved under the claims that are held */
    int64_t sent_ns;    /* boot clock: just before the last request that was answered was sent */
};

struct lease { /* of a claim */
    bool lost; /* the server has forgotten all, and was not told it again yet */
};

static struct store_redis *of(weir_replay *store)
{
    return (struct store_redis *)(void *)store;
}

/* --- the scripts -------------------------------------------------------------------------- */

/* KEYS: hash, lease. ARGV: token, process, milliseconds, then what each takes. `hold` gives "ok",
 * "lost" (this server has forgotten all) or, with who has it, "taken". */
#define HOLD                                                                                       \
    "local function hold()\n"                                                                      \
    " local lease = redis.call('GET', KEYS[2])\n"                                                  \
    " local owner = redis.call('HGET', KEYS[1], 'owner')\n"                                        \
    " if lease ~= ARGV[1] and (lease or (owner and string.sub(owner, 1, 32) ~= ARGV[1])) then\n"   \
    "  return {'taken', owner or '', redis.call('PTTL', KEYS[2])}\n"                               \
    " end\n"                                                                                       \
    " redis.call('SET', KEYS[2], ARGV[1], 'PX', ARGV[3])\n"                                        \
    " if owner then return {'ok'} end\n"                                                           \
    " redis.call('HSET', KEYS[1], 'owner', ARGV[1] .. ' ' .. ARGV[2])\n"                           \
    " return {'lost'}\n"                                                                           \
    "end\n"

static const char claim_script[] =
    "local lease = redis.call('GET', KEYS[2])\n"
    "if lease and lease ~= ARGV[1] then\n"
    " return {'taken', redis.call('HGET', KEYS[1], 'owner') or '', redis.call('PTTL', KEYS[2])}\n"
    "end\n"
    "redis.call('HSET', KEYS[1], 'owner', ARGV[1] .. ' ' .. ARGV[2])\n" /* first: it may fail */
    "redis.call('SET', KEYS[2], ARGV[1], 'PX', ARGV[3])\n"
    "return {'ok'}\n";

static const char release_script[] =
    "if redis.call('GET', KEYS[2]) == ARGV[1] then redis.call('DEL', KEYS[2]) end\n"
    "return {'ok'}\n";

/* The channel. */
static const char load_script[] =
    HOLD "local held = hold()\n"
         "if held[1] == 'taken' then return held end\n"
         "return {held[1], redis.call('HGET', KEYS[1], 'position ' .. ARGV[4]) or '',"
         " redis.call('HGET', KEYS[1], 'record ' .. ARGV[4]) or ''}\n";

/* For each channel: its name, the position or '', the record, '1' if the position may go back. With
 * none it only renews the lease. */
static const char save_script[] =
    HOLD "local held = hold()\n"
         "if held[1] == 'taken' then return held end\n"
         "for i = 4, #ARGV, 4 do\n"
         " local name, new = 'position ' .. ARGV[i], ARGV[i + 1]\n"
         " local old = redis.call('HGET', KEYS[1], name) or ''\n"
         " if ARGV[i + 3] == '1' and new == '' then\n"
         "  redis.call('HDEL', KEYS[1], name)\n"
         " elseif ARGV[i + 3] == '1' or #new > #old or (#new == #old and new > old) then\n"
         "  redis.call('HSET', KEYS[1], name, new)\n"
         " end\n"
         " redis.call('HSET', KEYS[1], 'record ' .. ARGV[i], ARGV[i + 2])\n"
         "end\n"
         "return held\n";

/* --- requests ----------------------------------------------------------------------------- */

static void add_escaped(struct buf *out, const char *text)
{
    for (; *text; text++) {
        if (strchr(":%{}", *text))
            buf_addf(out, "%%%02X", (unsigned)(unsigned char)*text);
        else
            buf_add(out, text, 1);
    }
}

static void add_key(struct buf *out, const struct claim *claim, const char *suffix)
{
    struct buf key = BUF_INIT(REQUEST_MAX);
    buf_adds(&key, "weir:{");
    add_escaped(&key, claim->organisation);
    buf_adds(&key, ":");
    add_escaped(&key, claim->group);
    buf_adds(&key, "}");
    buf_adds(&key, suffix);
    if (key.failed)
        out->failed = true;
    else
        resp_add(out, key.data, key.len);
    buf_free(&key);
}

/* EVAL with what all scripts take; `more` arguments follow. */
static void begin(struct buf *out, const char *script, const struct claim *claim, size_t more)
{
    char host[128] = "", process[192];
    (void)gethostname(host, sizeof host - 1);
    (void)snprintf(process, sizeof process, "process %ld on %s", (long)getpid(), host);
    resp_begin(out, 8 + more);
    resp_adds(out, "EVAL");
    resp_adds(out, script);
    resp_adds(out, "2");
    add_key(out, claim, "");
    add_key(out, claim, ":lease");
    resp_adds(out, claim->token);
    resp_adds(out, process);
    resp_adds(out, LEASE_TEXT);
}

static weir_status to_the_server(const struct store_redis *s, weir_status status, weir_error *err)
{
    return status == WEIR_OK ? status : error_context(err, "%s", s->base.what);
}

static weir_status ask_once(struct store_redis *s, const struct buf *request, struct resp *answer,
                            struct deadline until, weir_error *err)
{
    int64_t sent_ns = clock_boot(s->base.clock);
    weir_status status = redis_link_ask(s->link, request, answer, until, err);
    if (status != WEIR_OK)
        return to_the_server(s, status, err);
    if (answer->is.type != RESP_ERROR) {
        s->sent_ns = sent_ns;
        return WEIR_OK;
    }
    status = redis_refusal(&answer->is, s->base.what, err);
    if (status == WEIR_UNREACHABLE)
        redis_link_drop(s->link); /* the name may mean another server soon */
    return status;
}

static weir_status greet_with(struct store_redis *s, struct buf *request, struct deadline until,
                              weir_error *err)
{
    struct resp answer;
    weir_status status = buf_finish(request, err);
    if (status == WEIR_OK)
        status = ask_once(s, request, &answer, until, err);
    if (request->data)
        secret_wipe(request->data, request->cap);
    buf_free(request);
    if (status != WEIR_OK)
        redis_link_drop(s->link); /* it is not what the URL says */
    return status;
}

static weir_status log_in(struct store_redis *s, struct deadline until, weir_error *err)
{
    struct buf request = BUF_INIT(REQUEST_MAX);
    const struct redis_url *url = &s->url;
    if (!url->user && !url->password)
        return WEIR_OK;
    buf_reserve(&request, 256 + 2 * (secret_len(url->user) + secret_len(url->password)));
    resp_begin(&request, url->user ? 3 : 2);
    resp_adds(&request, "AUTH");
    if (url->user)
        resp_add(&request, secret_reveal(url->user), secret_len(url->user));
    resp_add(&request, url->password ? secret_reveal(url->password) : "",
             secret_len(url->password));
    return greet_with(s, &request, until, err);
}

static weir_status select_db(struct store_redis *s, struct deadline until, weir_error *err)
{
    struct buf request = BUF_INIT(REQUEST_MAX);
    char digits[24];
    if (s->url.db == 0)
        return WEIR_OK;
    (void)snprintf(digits, sizeof digits, "%" PRId64, s->url.db);
    resp_begin(&request, 2);
    resp_adds(&request, "SELECT");
    resp_adds(&request, digits);
    return greet_with(s, &request, until, err);
}

static weir_status connected(struct store_redis *s, struct deadline until, weir_error *err)
{
    if (redis_link_up(s->link))
        return WEIR_OK;
    weir_status status = to_the_server(s, redis_link_connect(s->link, until, err), err);
    if (status == WEIR_OK)
        status = log_in(s, until, err);
    return status == WEIR_OK ? select_db(s, until, err) : status;
}

static weir_status attempt(struct store_redis *s, const struct buf *request, struct resp *answer,
                           struct deadline until, weir_error *err)
{
    struct deadline soon =
        deadline_sooner(until, deadline_in(s->base.clock, ATTEMPT_MS, ATTEMPT_MS));
    weir_status status = connected(s, soon, err);
    return status == WEIR_OK ? ask_once(s, request, answer, soon, err) : status;
}

static bool may_mend(weir_status status)
{
    return status == WEIR_UNREACHABLE || status == WEIR_TIMEOUT || status == WEIR_BUSY;
}

/* Again and again, until it works, cannot work, or `until`. `request` is released. */
static weir_status ask(struct store_redis *s, struct buf *request, struct resp *answer,
                       struct deadline until, weir_error *err)
{
    struct backoff backoff = BACKOFF_INIT(50, 1000, 1000);
    weir_status status = buf_finish(request, err);
    while (status == WEIR_OK && may_mend(status = attempt(s, request, answer, until, err))) {
        weir_ms pause = backoff_next(&backoff, s->base.clock, 0) + 10;
        weir_ms left = deadline_left(s->base.clock, until);
        if (left >= 0 && left <= pause)
            break;
        (void)poll(NULL, 0, (int)pause);
        status = WEIR_OK;
    }
    buf_free(request);
    return status;
}

/* --- claims ------------------------------------------------------------------------------- */

static weir_status taken(const struct store_redis *s, const struct claim *claim,
                         const struct resp *answer, weir_error *err)
{
    struct buf who = BUF_INIT(256);
    const struct resp_value *owner = &answer->items[1];
    if (answer->count > 1 && owner->type == RESP_TEXT && owner->len > 33)
        text_fold(&who, owner->text + 33, owner->len - 33, 128);
    weir_status status = error_set(
        err, WEIR_CONFLICT,
        "%s: another listener (%s) has it for organisation %s, group '%s'; end that one (its lease "
        "lasts 15 s at most), or give this one a group of its own",
        s->base.what, who.data ? who.data : "unknown", claim->organisation, claim->group);
    buf_free(&who);
    return status;
}

static weir_status strange(const struct store_redis *s, weir_error *err)
{
    return error_set(err, WEIR_PROTOCOL, "%s: its answer is none that weir's script gives",
                     s->base.what);
}

/* Notes in the lease that the server had forgotten all. */
static weir_status judge(const struct store_redis *s, const struct claim *claim,
                         const struct resp *answer, weir_error *err)
{
    struct lease *lease = claim->kind;
    struct claim *mine = (struct claim *)(uintptr_t)claim; /* constant but for its limit */
    if (answer->is.type != RESP_LIST || answer->count < 1)
        return strange(s, err);
    if (resp_is(&answer->items[0], "taken"))
        return taken(s, claim, answer, err);
    bool lost = resp_is(&answer->items[0], "lost");
    if (!lost && !resp_is(&answer->items[0], "ok"))
        return strange(s, err);
    lease->lost = lease->lost || lost;
    atomic_store(&mine->good_until_ns, s->sent_ns + LEASE_MS * NS_PER_MS);
    return WEIR_OK;
}

static weir_status claim_redis(weir_replay *store, struct claim *claim, struct deadline until,
                               weir_error *err)
{
    struct store_redis *s = of(store);
    struct buf request = BUF_INIT(REQUEST_MAX);
    struct resp answer;
    claim->kind = mem_zalloc(sizeof(struct lease));
    if (!claim->kind)
        return error_no_memory(err);
    begin(&request, claim_script, claim, 0);
    weir_status status = ask(s, &request, &answer, until, err);
    if (status == WEIR_OK)
        status = judge(s, claim, &answer, err);
    if (status != WEIR_OK)
        mem_free(claim->kind);
    return status;
}

static void release_redis(weir_replay *store, struct claim *claim, struct deadline until)
{
    struct store_redis *s = of(store);
    struct buf request = BUF_INIT(REQUEST_MAX);
    struct resp answer;
    begin(&request, release_script, claim, 0);
    (void)ask(s, &request, &answer, until, NULL); /* else the lease runs out */
    table_forget(&s->table, claim);
    mem_free(claim->kind);
}

/* --- saving ------------------------------------------------------------------------------- */

static void add_change(struct buf *request, const struct store_change *change)
{
    char text[WEIR_REPLAY_RECORD_SIZE], digits[24] = "";
    struct record rest = *change->record;
    if (rest.has_position)
        (void)snprintf(digits, sizeof digits, "%" PRId64, rest.position);
    rest.has_position = false;
    record_format(&rest, text);
    resp_adds(request, change->channel);
    resp_adds(request, digits);
    resp_adds(request, text);
    resp_adds(request, change->anew ? "1" : "0");
}

static weir_status write_changes(struct store_redis *s, const struct claim *claim,
                                 const struct store_change *changes, size_t count,
                                 struct deadline until, weir_error *err)
{
    struct buf request = BUF_INIT(REQUEST_MAX);
    struct resp answer;
    begin(&request, save_script, claim, 4 * count);
    for (size_t i = 0; i < count; i++)
        add_change(&request, &changes[i]);
    weir_status status = ask(s, &request, &answer, until, err);
    if (status == WEIR_OK)
        status = judge(s, claim, &answer, err);
    return status;
}

static bool of_claim(const struct table_row *row, const struct claim *claim)
{
    return row->known && strcmp(row->organisation, claim->organisation) == 0 &&
           strcmp(row->group, claim->group) == 0;
}

/* All that is known of the claim, after the server has forgotten it. */
static weir_status write_again(struct store_redis *s, const struct claim *claim,
                               struct deadline until, weir_error *err)
{
    size_t count = 0;
    struct lease *lease = claim->kind;
    struct store_change *all = mem_array(s->table.count + 1, sizeof *all);
    if (!all)
        return error_no_memory(err);
    for (size_t i = 0; i < s->table.count; i++) {
        const struct table_row *row = &s->table.rows[i];
        if (of_claim(row, claim))
            all[count++] = (struct store_change){row->channel, &row->record, false};
    }
    log_at(WEIR_LOG_WARN, "salesforce", "",
           "%s: the server has lost what was kept there; the positions of %zu channels are written "
           "again, those that other listeners left are gone",
           s->base.what, count);
    weir_status status = write_changes(s, claim, all, count, until, err);
    if (status == WEIR_OK)
        lease->lost = false;
    mem_free(all);
    return status;
}

static weir_status recover(struct store_redis *s, const struct claim *claim, weir_status status,
                           struct deadline until, weir_error *err)
{
    const struct lease *lease = claim->kind;
    return status == WEIR_OK && lease->lost ? write_again(s, claim, until, err) : status;
}

static weir_status save_redis(weir_replay *store, const struct claim *claim,
                              const struct store_change *changes, size_t count,
                              struct deadline until, weir_error *err)
{
    struct store_redis *s = of(store);
    for (size_t i = 0; i < count; i++) { /* so that nothing can fail once it is saved */
        if (!table_row(&s->table, claim, changes[i].channel))
            return error_no_memory(err);
    }
    weir_status status = write_changes(s, claim, changes, count, until, err);
    if (status == WEIR_OK)
        status = table_save(&s->table, claim, changes, count, err);
    return recover(s, claim, status, until, err);
}

static weir_status renew_redis(weir_replay *store, struct claim *claim, struct deadline until,
                               weir_error *err)
{
    struct store_redis *s = of(store);
    weir_status status = write_changes(s, claim, NULL, 0, until, err);
    return recover(s, claim, status, until, err);
}

/* --- loading ------------------------------------------------------------------------------ */

static weir_status read_record(const struct store_redis *s, const struct resp *answer,
                               const char *channel, struct record *out, weir_error *err)
{
    const struct resp_value *position = &answer->items[1], *rest = &answer->items[2];
    char digits[24] = "";
    if (answer->count != 3 || position->type != RESP_TEXT || rest->type != RESP_TEXT)
        return strange(s, err);
    if (position->len == 0 && rest->len == 0)
        return WEIR_NOTHING;
    weir_status status = rest->len ? record_parse(out, rest->text, rest->len, err) : WEIR_OK;
    if (status != WEIR_OK)
        return error_context(err, "%s: %s", s->base.what, channel);
    out->has_position = position->len > 0;
    if (position->len < sizeof digits && !memchr(position->text, '\0', position->len))
        memcpy(digits, position->text, position->len);
    if (out->has_position && !text_number(digits, 0, INT64_MAX, &out->position))
        return error_set(err, WEIR_STORE, "%s: the position of %s is no replay id", s->base.what,
                         channel);
    return WEIR_OK;
}

static weir_status read_answer(struct store_redis *s, const struct claim *claim,
                               const char *channel, struct record *out, struct deadline until,
                               weir_error *err)
{
    struct buf request = BUF_INIT(REQUEST_MAX);
    struct resp answer;
    begin(&request, load_script, claim, 1);
    resp_adds(&request, channel);
    weir_status status = ask(s, &request, &answer, until, err);
    if (status == WEIR_OK)
        status = judge(s, claim, &answer, err);
    return status == WEIR_OK ? read_record(s, &answer, channel, out, err) : status;
}

static weir_status load_redis(weir_replay *store, const struct claim *claim, const char *channel,
                              struct record *out, struct deadline until, weir_error *err)
{
    struct store_redis *s = of(store);
    weir_status status = read_answer(s, claim, channel, out, until, err);
    if (status != WEIR_OK && status != WEIR_NOTHING)
        return status;
    const struct lease *lease = claim->kind;
    const struct table_row *before = lease->lost ? table_find(&s->table, claim, channel) : NULL;
    if (before) { /* the server has forgotten it, this process has not */
        *out = before->record;
        status = WEIR_OK;
    }
    struct table_row *row = table_row(&s->table, claim, channel);
    if (!row)
        return error_no_memory(err);
    row->known = status == WEIR_OK;
    row->record = *out;
    weir_status again = recover(s, claim, WEIR_OK, until, err);
    return again == WEIR_OK ? status : again;
}

/* --- opening and closing ------------------------------------------------------------------ */

static void free_redis(weir_replay *store)
{
    struct store_redis *s = of(store);
    redis_link_free(s->link);
    redis_url_clear(&s->url);
    table_clear(&s->table);
    store_clear(store);
}

static const struct store_kind redis_kind = {
    .name = "redis",
    .claim = claim_redis,
    .renew = renew_redis,
    .release = release_redis,
    .load = load_redis,
    .save = save_redis,
    .free = free_redis,
};

static char *name_of(const struct redis_url *url)
{
    struct buf out = BUF_INIT(1024);
    buf_addf(&out, url->ipv6 ? "the store at [%s]:%u" : "the store at %s:%u", url->host,
             (unsigned)url->port);
    return out.data;
}

static struct redis_link *link_of(const struct redis_url *url, weir_error *err)
{
    struct tls *tls = NULL;
    if (url->tls) {
        const char *roots = options_env("WEIR_CA_FILE", (char *)NULL);
        tls = tls_client(roots ? WEIR_TLS(.root_certificates_file = roots) : NULL, NULL, err);
        if (!tls)
            return NULL;
    }
    return redis_link_new(url->host, url->port, tls, clock_system(), err);
}

static weir_replay *opened(struct redis_url *url, weir_error *err)
{
    struct redis_link *link = link_of(url, err);
    if (!link)
        return NULL;
    weir_replay *store = store_new(&redis_kind, sizeof(struct store_redis), name_of(url), err);
    if (!store) {
        redis_link_free(link);
        return NULL;
    }
    of(store)->url = *url;
    of(store)->link = link;
    *url = (struct redis_url){0};
    return store;
}

weir_replay *weir_replay_redis(const char *url, weir_error *err)
{
    struct redis_url parts;
    if (!loop_may_open(err))
        return NULL;
    if (!url) {
        error_set(err, WEIR_INVALID, "the store's URL is NULL");
        return NULL;
    }
    if (redis_url_parse(&parts, url, err) != WEIR_OK)
        return NULL;
    int shielded = shield_up();
    weir_replay *store = opened(&parts, err);
    shield_down(shielded);
    redis_url_clear(&parts);
    if (store)
        error_ok(err);
    return store;
}
