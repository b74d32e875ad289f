/* Names of channels. The grammar of the specification is strict; Salesforce's names ("__e" would
 * do, "/topic/T?Region='EMEA'" would not) are outside it, so for them only what cannot be is
 * refused: the rest is the server's to say. */
#include "bayeux/names.h"

#include "core/error.h"
#include "core/text.h"

#include <stddef.h>
#include <string.h>

size_t name_base(const char *channel)
{
    return strcspn(channel, "?");
}

static bool is_letter_or_digit(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

/* Bayeux 1.0, 2.1: what a segment may consist of. */
static bool is_strict(char c)
{
    return is_letter_or_digit(c) || (c && strchr("-_!~()$@", c));
}

static bool is_loose(char c)
{
    return (unsigned char)c > 0x20 && c != 0x7f;
}

static size_t segment_length(const char *segment)
{
    return strcspn(segment, "/");
}

static bool is_wildcard(const char *segment, size_t len)
{
    return (len == 1 || len == 2) && strncmp(segment, "**", len) == 0;
}

static weir_status refuse(weir_error *err, const char *channel, const char *why)
{
    struct buf shown = BUF_INIT((size_t)512);
    text_fold(&shown, channel, strlen(channel), 200);
    weir_status status = error_set(err, WEIR_INVALID, "'%s' is no name of a channel: %s",
                                   shown.data ? shown.data : "", why);
    buf_free(&shown);
    return status;
}

/* What is wrong with a segment; NULL: nothing. `last`: nothing comes after it. */
static const char *segment_fault(const char *segment, size_t len, bool last, bool wildcards)
{
    if (len == 0)
        return "a segment between slashes is empty";
    if (is_wildcard(segment, len)) {
        if (!wildcards)
            return "nothing can be published to a wildcard";
        return last ? NULL : "a wildcard is the whole last segment";
    }
    for (size_t i = 0; i < len; i++) {
        if (segment[i] == '*')
            return "a wildcard is the whole last segment";
        if (!is_strict(segment[i]))
            return "segments hold letters, digits and - _ ! ~ ( ) $ @ only";
    }
    return NULL;
}

static const char *strict_fault(const char *channel, bool publishing)
{
    const char *fault = NULL;
    const char *at = channel;
    while (!fault && *at == '/') {
        size_t len = segment_length(++at);
        fault = segment_fault(at, len, at[len] == '\0', !publishing);
        at += len;
    }
    return fault;
}

static const char *loose_fault(const char *channel)
{
    size_t base = name_base(channel);
    for (size_t i = 0; i < base; i++) {
        if (!is_loose(channel[i]))
            return "it has a blank or a control character";
        if (channel[i] == '*')
            return "wildcards are not known here";
        if (channel[i] == '/' && (i + 1 == base || channel[i + 1] == '/'))
            return "a segment between slashes is empty";
    }
    for (const char *p = channel + base; *p; p++) {
        if ((unsigned char)*p < 0x20 || *p == 0x7f)
            return "it has a control character";
    }
    return NULL;
}

weir_status name_check(const char *channel, enum name_grammar grammar, bool publishing,
                       weir_error *err)
{
    if (!channel || !*channel)
        return error_set(err, WEIR_INVALID, "the name of a channel is empty");
    if (*channel != '/')
        return refuse(err, channel, "names begin with '/'");
    if (!text_is_utf8(channel, strlen(channel)))
        return refuse(err, channel, "it is not UTF-8");
    if (strncmp(channel, "/meta/", 6) == 0 || strcmp(channel, "/meta") == 0)
        return refuse(err, channel, "meta channels are the protocol's own");
    const char *fault =
        grammar == NAME_STRICT ? strict_fault(channel, publishing) : loose_fault(channel);
    return fault ? refuse(err, channel, fault) : error_ok(err);
}

bool name_matches(const char *pattern, const char *channel, size_t channel_len)
{
    size_t len = strlen(pattern);
    size_t stars = len >= 3 && strcmp(pattern + len - 3, "/**") == 0  ? 2
                   : len >= 2 && strcmp(pattern + len - 2, "/*") == 0 ? 1
                                                                      : 0;
    if (stars == 0)
        return len == channel_len && memcmp(pattern, channel, len) == 0;
    size_t prefix = len - stars; /* with its last slash */
    if (channel_len <= prefix || memcmp(pattern, channel, prefix) != 0)
        return false;
    return stars == 2 || !memchr(channel + prefix, '/', channel_len - prefix);
}
