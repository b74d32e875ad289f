/* Salesforce's Bayeux: an old CometD server with changes of its own. The token that has expired has
 * three disguises: 401 on a connect (with the advice not to come back), "403::Handshake denied"
 * with the truth in ext.sfdc.failureReason, and HTTP 401. An overloaded server says 503 there,
 * while "error" may still say 401. So the reason counts where there is one, and the advice only
 * where both leave it open. */
#include "salesforce/dialect.h"

#include "bayeux/names.h"
#include "core/error.h"
#include "core/json.h"
#include "core/mem.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

/* ---- what is said ------------------------------------------------------------------------ */

void dialect_outgoing(enum meta meta, const char *channel, int64_t ask, struct buf *ext)
{
    if (meta == META_HANDSHAKE) {
        buf_adds(ext, "\"replay\":true");
    } else if (meta == META_SUBSCRIBE) {
        buf_adds(ext, "\"replay\":{");
        json_add_string(ext, channel, name_base(channel));
        buf_addf(ext, ":%" PRId64 "}", ask);
    }
}

/* ---- what is answered -------------------------------------------------------------------- */

static const char *const reason_path[] = {"sfdc", "failureReason", NULL};

/* "WORD(S) ... {42} ..." */
static void gap_error(weir_error *err, const char *what, const char *error)
{
    (void)error_peer(err, WEIR_GAP, WEIR_ORIGIN_BAYEUX, 400,
                     "%s: %s (events were lost: on_gap says how to go on)", what, error);
    if (err)
        err->kind = WEIR_KIND_REPLAY_GAP;
}

/* What only the replay extension says. True: *err is filled. */
static bool replay_fault(const char *what, const char *error, weir_error *err)
{
    struct bayeux_error parts;
    if (!bayeux_error_split(error, strlen(error), &parts) || parts.code != 400)
        return false;
    if (strcasestr(error, "replayId for channel") && strcasestr(error, "replay ID map")) {
        (void)error_peer(err, WEIR_BUG, WEIR_ORIGIN_BAYEUX, 400, "%s: %s", what, error);
        return true;
    }
    if (!strcasestr(error, "replayId") || !strcasestr(error, "invalid"))
        return false;
    gap_error(err, what, error);
    return true;
}

static enum verdict judge_text(enum meta meta, const struct message *reply, const char *text,
                               const char *reconnect, weir_error *err)
{
    char what[256];
    verdict_what(meta, reply, what, sizeof what);
    if (meta == META_SUBSCRIBE && replay_fault(what, text, err))
        return VERDICT_REFUSED;
    return verdict_of_error(meta, what, text, reconnect, err);
}

/* "401::Authentication invalid (403::Handshake denied)": both, for people. */
static void keep_both(weir_error *err, const char *more, const char *less)
{
    if (more && strcmp(more, less) != 0)
        (void)error_append(err, " (%s)", more);
}

enum verdict dialect_judge(enum meta meta, const struct message *reply, const char *reconnect,
                           weir_error *err)
{
    struct bayeux_error parts;
    char *error = slice_text(reply->error);
    char *reason = slice_text(slice_member(reply->ext, reason_path));
    bool telling = reason && bayeux_error_split(reason, strlen(reason), &parts);
    enum verdict verdict;
    if (telling)
        verdict = judge_text(meta, reply, reason, reconnect, err);
    else if (error)
        verdict = judge_text(meta, reply, error, reconnect, err);
    else
        verdict = verdict_of_reply(meta, reply, reconnect, err);
    if (telling)
        keep_both(err, error, reason);
    else if (reason && error)
        keep_both(err, reason, error);
    mem_free(error);
    mem_free(reason);
    return verdict;
}

weir_status dialect_gap(weir_error *err, const char *channel, int64_t asked, int64_t retention_ms)
{
    char after[32] = "its beginning";
    if (asked >= 0)
        (void)snprintf(after, sizeof after, "replay id %" PRId64, asked);
    (void)error_set(err, WEIR_GAP,
                    "subscribing to '%s' after %s: the last live session is longer ago than the "
                    "%d hours that Salesforce keeps events (events were lost: on_gap says how to "
                    "go on)",
                    channel, after, (int)(retention_ms / 3600000));
    if (err)
        err->kind = WEIR_KIND_REPLAY_GAP;
    return WEIR_GAP;
}

/* ---- events ------------------------------------------------------------------------------ */

const char *dialect_type(const char *channel, size_t len)
{
    static const struct {
        const char *prefix, *type;
    } types[] = {{"/data/", "com.salesforce.change"},
                 {"/topic/", "com.salesforce.topic"},
                 {"/u/", "com.salesforce.generic"}};
    for (size_t i = 0; i < sizeof types / sizeof *types; i++) {
        size_t prefix = strlen(types[i].prefix);
        if (len >= prefix && memcmp(channel, types[i].prefix, prefix) == 0)
            return types[i].type;
    }
    return "com.salesforce.event";
}

static int64_t stamp_of(weir_bytes value)
{
    if (!slice_is_string(value))
        return 0;
    return stamp_parse((const char *)value.data + 1, value.len - 2);
}

int64_t dialect_created_ms(const struct message *event)
{
    static const char *const commit[] = {"payload", "ChangeEventHeader", "commitTimestamp", NULL};
    static const char *const platform[] = {"payload", "CreatedDate", NULL};
    static const char *const topic[] = {"event", "createdDate", NULL};
    int64_t ms = 0;
    if (slice_int(slice_member(event->data, commit), &ms))
        return ms > 0 ? ms : 0;
    ms = stamp_of(slice_member(event->data, platform));
    return ms ? ms : stamp_of(slice_member(event->data, topic));
}

char *dialect_uuid(const struct message *event)
{
    static const char *const path[] = {"event", "EventUuid", NULL};
    char *uuid = slice_text(slice_member(event->data, path));
    if (uuid && *uuid)
        return uuid;
    mem_free(uuid);
    return NULL;
}
