/* Channels and replay. What is certainly wrong is said before anything is connected; a name that a
 * server might know passes. */
#include "cli/listen_channels.h"

#include <string.h>

#include "cli/fail.h"
#include "cli/str.h"

#define LONGEST_ID 19 /* digits of 64 bits */

const char *listen_replay_value(const char *text)
{
    static const char *const names[][2] = {
        {"new", "new"}, {"all", "all"}, {"stored", "stored"}, {"-1", "new"}, {"-2", "all"}};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (strcmp(text, names[i][0]) == 0)
            return names[i][1];
    size_t len = strlen(text);
    bool digits = len > 0 && strspn(text, "0123456789") == len;
    bool fits = len < LONGEST_ID || (len == LONGEST_ID && strcmp(text, "9223372036854775807") <= 0);
    return digits && fits ? text : NULL;
}

const char *listen_replay_split(const char *text)
{
    for (const char *at = text + strlen(text); at > text; at--)
        if (at[-1] == '=' && listen_replay_value(at))
            return at;
    return NULL;
}

const char *listen_channel_complaint(const char *name)
{
    if (name[0] != '/')
        return "does not begin with /, as in /event/Order__e or /topic/Accounts";
    const char *gap = strstr(name, "//"), *filter = strchr(name, '?');
    if (name[1] == '\0' || (gap && (!filter || gap < filter)))
        return "has an empty part: /event/Order__e, /topic/Accounts";
    if (!str_is_utf8(name))
        return "is not UTF-8";
    if (strncmp(name, "/meta/", 6) == 0 || strcmp(name, "/meta") == 0)
        return "belongs to the protocol itself";
    for (const char *at = name; *at; at++)
        if ((unsigned char)*at < 0x20 || *at == 0x7F)
            return "holds a control character";
    return NULL;
}

static struct listen_channel *find(const struct listen_channels *channels, const char *name,
                                   size_t len)
{
    for (size_t i = 0; i < channels->count; i++)
        if (strlen(channels->list[i].name) == len &&
            strncmp(channels->list[i].name, name, len) == 0)
            return &channels->list[i];
    return NULL;
}

weir_status listen_channels_read(struct listen_channels *out, const struct args *args, size_t first,
                                 weir_error *err)
{
    *out = (struct listen_channels){0};
    out->list = memory_or_exit(NULL, args->word_count + 1, sizeof *out->list);
    for (size_t i = first; i < args->word_count; i++) {
        const char *name = args->words[i], *wrong = listen_channel_complaint(name);
        if (wrong)
            return fail_set(err, WEIR_INVALID, "\"%.200s\" cannot be a channel: it %s", name,
                            wrong);
        if (!find(out, name, strlen(name)))
            out->list[out->count++] = (struct listen_channel){.name = name};
    }
    return WEIR_OK;
}

static int replay_one(struct listen_channels *channels, const char *given, const char *value)
{
    size_t len = (size_t)(value - given) - 1;
    struct listen_channel *channel = find(channels, given, len);
    if (!channel)
        return fail_usage("--replay: %.*s is none of the channels listened to", (int)len, given);
    channel->from = listen_replay_value(value);
    return 0;
}

static int no_value(const char *given)
{
    const char *equals = given[0] == '/' ? strrchr(given, '=') : NULL;
    const char *hint = given[0] == '/' ? "; for one channel: --replay CHANNEL=VALUE" : "";
    return fail_usage("--replay: \"%s\" is none of new, all, stored, or a replay id%s",
                      equals ? equals + 1 : given, equals ? "" : hint);
}

/* Those for one channel beat those for all, wherever they stand. */
int listen_channels_replay(struct listen_channels *channels, const struct args *args)
{
    const char *given, *all = NULL;
    int status = 0;
    for (size_t i = 0; !status && (given = args_each(args, "replay", i)); i++) {
        const char *split = listen_replay_split(given);
        const char *value = listen_replay_value(given);
        if (value)
            all = value;
        else
            status = split ? replay_one(channels, given, split) : no_value(given);
    }
    for (size_t i = 0; i < channels->count; i++)
        if (!channels->list[i].from)
            channels->list[i].from = all;
    return status;
}

void listen_channels_free(struct listen_channels *channels)
{
    release_memory(channels->list);
    *channels = (struct listen_channels){0};
}
