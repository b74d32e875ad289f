/* bayeux/message.h - what a server says, found in its text without building a tree. Pure.
 *
 * An answer is an array of messages or a single one (Bayeux 1.0, 3.4). It is checked to be JSON
 * (RFC 8259) of at most JSON_MAX_DEPTH levels and UTF-8, once, in the same pass that finds the
 * members; what a message is made of are slices of the answer, so that members nobody knows are
 * kept, and an event costs no copy. */
#ifndef BAYEUX_MESSAGE_H
#define BAYEUX_MESSAGE_H

#include "core/buf.h"

#include <stdatomic.h>

/* Slices are JSON values as they stand in the text: a string has its quotes; .data NULL: absent. */
struct message {
    weir_bytes raw; /* the whole object */
    weir_bytes channel, id, client_id, subscription, successful, error, advice, ext, data;
    weir_bytes replay_id; /* data.event.replayId: found on the way, because every event is asked */
};

/* An answer and its messages: reference counted, immutable. Events keep it. */
struct batch {
    atomic_size_t refs;
    char *text; /* core/mem; owned */
    size_t len;
    size_t count;
    struct message *messages;
};

/* Takes `text` over in any case. NULL: WEIR_PROTOCOL ("what" names the peer's answer; says what it
 * is instead: an HTML page, nothing, cut off), or no memory. */
struct batch *batch_new(char *text, size_t len, const char *what, weir_error *err);
struct batch *batch_ref(struct batch *batch);
void batch_free(struct batch *batch); /* drops one reference */

/* ---- reading slices ---------------------------------------------------------------------- */

bool slice_is_string(weir_bytes value);
/* Whether the string `value` is exactly `text`. */
bool slice_equals(weir_bytes value, const char *text);
/* The string decoded (escapes, UTF-8), core/mem; NULL: no string, or no memory. */
char *slice_text(weir_bytes value);
/* true, false; `fallback`: anything else. */
bool slice_bool(weir_bytes value, bool fallback);
/* An integer (also one in a string, as some servers send replay ids); false: none, or beyond 64
 * bits. */
bool slice_int(weir_bytes value, int64_t *out);
/* A member of the object `value`, by a path of member names ended by NULL; absent: .data NULL. */
weir_bytes slice_member(weir_bytes value, const char *const *path);
/* The next element of the array `value` (or the value itself, if it is none): start with
 * *at 0; false: no more. */
bool slice_element(weir_bytes value, size_t *at, weir_bytes *out);
#endif
