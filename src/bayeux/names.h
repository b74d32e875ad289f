/* bayeux/names.h - channels' names and wildcards (Bayeux 1.0, 2.2.1). Pure. */
#ifndef BAYEUX_NAMES_H
#define BAYEUX_NAMES_H

#include <weir/error.h>

enum name_grammar {
    NAME_STRICT, /* Bayeux: segments of letters, digits and - _ ! ~ ( ) $ @; a last * or **      */
    NAME_LOOSE   /* Salesforce: begins with '/', no blanks or control characters before the '?', no
                    empty segment, UTF-8; no wildcards                                           */
};

/* Whether one may subscribe to (publish to, if `publishing`) a channel of this name; *err says what
 * is wrong with it. Meta channels never. */
weir_status name_check(const char *channel, enum name_grammar grammar, bool publishing,
                       weir_error *err);
/* Does `pattern` ("/a/b", "/a/" "*", "/a/" "**") stand for `channel`? */
bool name_matches(const char *pattern, const char *channel, size_t channel_len);
/* "/topic/T?F='v'": the length up to the '?'. */
size_t name_base(const char *channel);
#endif
