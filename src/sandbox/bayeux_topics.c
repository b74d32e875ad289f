/* Who has subscribed to what. A topic is a name somebody has subscribed to; wildcards are names
 * like others, which publishing looks up one by one (Bayeux 1.0, 2.2.1). A filtered PushTopic is
 * the topic before its '?', and the subscription has the filter.
 *
 * A session whose queue has no room for an event is ended once everybody has had the event: a hole
 * that nobody sees would be worse. */
#include "sandbox/bayeux_private.h"

#include "core/mem.h"
#include "sandbox/salesforce_event.h"

#include <stdio.h>
#include <string.h>

static struct topic *find_topic(const struct bayeux_server *server, const char *name, size_t len)
{
    struct table_node *node = table_first(&server->topics, table_hash(0, name, len));
    for (; node; node = table_next(node)) {
        struct topic *topic = (struct topic *)(void *)node;
        if (strlen(topic->name) == len && memcmp(topic->name, name, len) == 0)
            return topic;
    }
    return NULL;
}

static struct topic *need_topic(struct bayeux_server *server, const char *name, size_t len)
{
    struct topic *topic = find_topic(server, name, len);
    if (topic)
        return topic;
    topic = mem_zalloc(sizeof *topic);
    if (topic && !(topic->name = mem_dup(name, len))) {
        mem_free(topic);
        return NULL;
    }
    if (topic)
        table_add(&server->topics, &topic->node, table_hash(0, name, len));
    return topic;
}

static void drop_topic_if_idle(struct bayeux_server *server, struct topic *topic)
{
    if (!LIST_EMPTY(&topic->list))
        return;
    table_remove(&server->topics, &topic->node);
    mem_free(topic->name);
    mem_free(topic);
}

static void leave(struct bayeux_server *server, struct subscription *one)
{
    struct topic *topic = one->topic;
    LIST_REMOVE(one, of_topic);
    LIST_REMOVE(one, of_session);
    server->subscriptions--;
    mem_free(one->filter);
    mem_free(one);
    drop_topic_if_idle(server, topic);
}

void topics_leave(struct bayeux_server *server, struct bayeux_session *session)
{
    while (!LIST_EMPTY(&session->subscriptions))
        leave(server, LIST_FIRST(&session->subscriptions));
}

static size_t base_of(const struct bayeux_server *server, const char *name)
{
    return bayeux_is_salesforce(server) ? strcspn(name, "?") : strlen(name);
}

static struct subscription *find_own(const struct bayeux_server *server,
                                     const struct bayeux_session *session, const char *name)
{
    size_t base = base_of(server, name);
    const char *filter = name[base] ? name + base + 1 : NULL;
    const struct topic *topic = find_topic(server, name, base);
    struct subscription *one = NULL;
    if (!topic)
        return NULL;
    LIST_FOREACH(one, &topic->list, of_topic)
    {
        bool same = !one->filter == !filter && (!filter || strcmp(one->filter, filter) == 0);
        if (one->session == session && same)
            return one;
    }
    return NULL;
}

bool topics_unsubscribe(struct bayeux_server *server, struct bayeux_session *session,
                        const char *channel)
{
    struct subscription *one = find_own(server, session, channel);
    if (one)
        leave(server, one);
    return one != NULL;
}

static bool join(struct bayeux_server *server, struct bayeux_session *session, const char *name)
{
    size_t base = base_of(server, name);
    if (find_own(server, session, name))
        return true;
    if (server->subscriptions >= BAYEUX_SUBSCRIPTIONS_MAX)
        return false;
    struct subscription *one = mem_zalloc(sizeof *one);
    char *filter = name[base] ? mem_strdup(name + base + 1) : NULL;
    struct topic *topic = one && (filter || !name[base]) ? need_topic(server, name, base) : NULL;
    if (!topic) {
        mem_free(filter);
        mem_free(one);
        return false;
    }
    *one = (struct subscription){.topic = topic, .session = session, .filter = filter};
    LIST_INSERT_HEAD(&topic->list, one, of_topic);
    LIST_INSERT_HEAD(&session->subscriptions, one, of_session);
    server->subscriptions++;
    return true;
}

/* ---- publishing -------------------------------------------------------------------------- */

/* True: a session had no room and is marked. */
static bool publish_to(struct bayeux_server *server, const char *name, size_t len,
                       struct bayeux_event *event)
{
    const struct topic *topic = find_topic(server, name, len);
    struct subscription *one = NULL;
    bool full = false;
    if (!topic)
        return false;
    LIST_FOREACH(one, &topic->list, of_topic)
    {
        struct bayeux_session *session = one->session;
        if (session->seen == server->publications ||
            (one->filter && !salesforce_event_matches(event->text, event->len, one->filter)))
            continue;
        session->seen = server->publications;
        session->full = !bayeux_session_push(server, session, event);
        full = full || session->full;
    }
    return full;
}

static void end_full_ones(struct bayeux_server *server)
{
    struct bayeux_session *session = TAILQ_FIRST(&server->list);
    while (session) {
        struct bayeux_session *next = TAILQ_NEXT(session, link);
        if (session->full)
            bayeux_session_end(server, session);
        session = next;
    }
}

/* "/a/b": itself, then "/a/" and a star, "/a/" and two, "/" and two. */
void topics_publish(struct bayeux_server *server, const char *channel, struct bayeux_event *event)
{
    char pattern[NAME_MAX_LEN + 4];
    size_t len = strlen(channel);
    server->publications++;
    bool full = publish_to(server, channel, len, event);
    bool wild = !bayeux_is_salesforce(server) && len <= NAME_MAX_LEN;
    const char *parent = wild ? strrchr(channel, '/') : NULL;
    if (parent) {
        int size = snprintf(pattern, sizeof pattern, "%.*s/*", (int)(parent - channel), channel);
        full = publish_to(server, pattern, (size_t)size, event) || full;
    }
    for (; parent;
         parent = parent > channel ? memrchr(channel, '/', (size_t)(parent - channel)) : NULL) {
        int size = snprintf(pattern, sizeof pattern, "%.*s/**", (int)(parent - channel), channel);
        full = publish_to(server, pattern, (size_t)size, event) || full;
    }
    if (full)
        end_full_ones(server);
}

/* ---- subscribing ------------------------------------------------------------------------- */

static const char *say(char *text, const char *what, const char *name, const char *rest)
{
    (void)snprintf(text, ERROR_MAX, "%s: {%.300s}%s", what, name, rest);
    return text;
}

/* Strict Bayeux: segments of letters, digits and some marks, at last * or **. */
static bool is_bayeux_name(const char *name)
{
    static const char marks[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
                                "-_!~()$@";
    if (strlen(name) > NAME_MAX_LEN || *name != '/')
        return false;
    while (*name == '/') {
        name++;
        if (strcmp(name, "*") == 0 || strcmp(name, "**") == 0)
            return true;
        size_t len = strspn(name, marks);
        if (len == 0)
            return false;
        name += len;
    }
    return *name == '\0';
}

static const char *plain_subscribe(struct asked *asked, struct bayeux_session *session,
                                   const char *name)
{
    if (!is_bayeux_name(name))
        return "400::subscription_invalid";
    if (strncmp(name, "/meta/", 6) == 0)
        return "403::subscribe_denied";
    return join(asked->server, session, name) ? NULL : "403::subscription_limit";
}

/* ext.replay {BASE: id}. False: *error says what is wrong with it. */
static bool read_replay(const struct asked *asked, const char *base, int64_t *id, char *text)
{
    const json_t *map = json_object_get(json_object_get(asked->message, "ext"), "replay");
    const json_t *value = json_object_get(map, base);
    *id = SFLOG_NEW;
    if (!json_is_object(map))
        return true;
    if (json_is_integer(value)) {
        *id = json_integer_value(value);
        return true;
    }
    struct buf words = BUF_INIT(ERROR_MAX);
    const char *separator = "";
    const char *key = NULL;
    const json_t *one = NULL;
    buf_addf(&words,
             "400::The replayId for channel {%.300s} wasn't found using the provided "
             "replay ID map {",
             base);
    json_object_foreach((json_t *)(uintptr_t)map, key, one)
    {
        char *shown = json_text(one, true);
        if (words.len < ERROR_MAX / 2)
            buf_addf(&words, "%s%.100s=%.40s", separator, key, shown ? shown : "null");
        separator = ", ";
        mem_free(shown);
    }
    buf_adds(&words, "}");
    (void)snprintf(text, ERROR_MAX, "%s",
                   words.data ? words.data : "400::The replayId wasn't found");
    buf_free(&words);
    return false;
}

/* All that is retained after `id`, before anything that comes from now on. */
static const char *replay(struct asked *asked, struct bayeux_session *session,
                          struct sflog_channel *channel, const char *filter, char *text)
{
    struct bayeux_event *const *first = NULL;
    size_t count = 0;
    int64_t id = 0;
    struct sflog *log = asked->server->options.log;
    if (!read_replay(asked, sflog_name(channel), &id, text))
        return text;
    int64_t now = clock_mono(asked->server->options.clock);
    if (!sflog_replay(log, channel, id, now, &first, &count)) {
        (void)snprintf(text, ERROR_MAX,
                       "400::The replayId {%lld} you provided was invalid.  Please provide a valid "
                       "ID, -2 to replay all events, or -1 to replay only new events.",
                       (long long)id);
        return text;
    }
    for (size_t i = 0; i < count; i++) {
        if (filter && !salesforce_event_matches(first[i]->text, first[i]->len, filter))
            continue;
        if (!bayeux_session_push(asked->server, session, first[i]))
            return "403::Subscription limit exceeded: the server holds too many events";
    }
    return NULL;
}

static bool is_listed(const char *const *channels, const char *name, size_t len)
{
    for (; channels && *channels; channels++) {
        if (strlen(*channels) == len && strncmp(*channels, name, len) == 0)
            return true;
    }
    return !channels;
}

static const char *salesforce_subscribe(struct asked *asked, struct bayeux_session *session,
                                        const char *name, char *text)
{
    struct sflog_channel *channel = NULL;
    size_t base = strcspn(name, "?");
    const char *filter = name[base] ? name + base + 1 : NULL;
    if (name[0] != '/')
        return say(text, "400::Channel name must start with '/'", name, "");
    if (salesforce_kind(name, base) == SALESFORCE_NO_CHANNEL ||
        !is_listed(asked->server->options.channels, name, base))
        return say(text, "404::Unknown channel", name, "");
    if (filter &&
        (salesforce_kind(name, base) != SALESFORCE_TOPIC || !salesforce_filter_ok(filter)))
        return say(text, "400::The channel's query is not understood", name, "");
    enum sflog_found found = sflog_channel(asked->server->options.log, name, base, &channel);
    if (found == SFLOG_OTHER_CASE)
        return say(text, "404::Unknown channel", name, ": channel names may not vary only by case");
    if (found == SFLOG_NO_ROOM)
        return "403::Cannot create channel: there are too many";
    const char *error = replay(asked, session, channel, filter, text);
    if (error)
        return error;
    return join(asked->server, session, name) ? NULL : "403::Subscription limit exceeded";
}

const char *topics_subscribe(struct asked *asked, struct bayeux_session *session,
                             const char *channel, char *text)
{
    if (bayeux_is_salesforce(asked->server))
        return salesforce_subscribe(asked, session, channel, text);
    return plain_subscribe(asked, session, channel);
}
