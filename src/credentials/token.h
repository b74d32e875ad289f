/* credentials/token.h - an access token: immutable, atomically counted, wiped with its last
 * reference; and the answer that one is made of, filled by whoever got it (a token endpoint's
 * JSON, the disk cache, a program's own source). */
#ifndef CREDENTIALS_TOKEN_H
#define CREDENTIALS_TOKEN_H

#include "core/clock.h"
#include <weir/credentials.h>

/* An `expires_in` below this is no lifetime to work with: taken as if it were missing. */
#define TOKEN_TINY_S 5
/* ... and so is one above this: ten years. */
#define TOKEN_ABSURD_S     INT64_C(315360000)
#define TOKEN_EXPIRES_IN_S 300 /* when the answer does not say, unless an option does */
#define TOKEN_FIELDS_MAX   64

/* When it was asked for, by both clocks: a lifetime counts from the request, not from the answer.
 */
struct token_moment {
    int64_t boot_ns, wall_ns;
};
struct token_moment token_moment(const struct clock *clock);

struct weir_token_answer { /* zeroed: empty */
    struct secret *token;
    char *type;         /* NULL: "Bearer" */
    int64_t expires_in; /* seconds; 0 or less: it does not say */
    struct token_field *fields;
    size_t field_count;
};

void token_answer_clear(struct weir_token_answer *answer);
/* A further member; the first of two counts. WEIR_INVALID: too many, or too long. */
weir_status token_answer_field(struct weir_token_answer *answer, const char *name,
                               const char *value, size_t len);
/* Whether `text` can stand in an Authorization header: visible ASCII, 1 byte to LIMIT_TOKEN. */
bool token_is_sendable(const char *text, size_t len);

/* The lifetime to work with: `said`, or `fallback` when that is missing, tiny or absurd. */
int64_t token_lifetime(int64_t said, int64_t fallback);

/* Takes what `answer` holds, and leaves it empty. `lifetime` in seconds from `since`; 0: for ever.
 * NULL: no memory. */
weir_token *token_make(struct weir_token_answer *answer, struct token_moment since,
                       int64_t lifetime, bool from_cache);

/* By the clock that counts suspend and never steps; INT64_MAX: never. */
int64_t token_expires_boot(const weir_token *token);
int64_t token_issued_at(const weir_token *token); /* seconds since the epoch */
int64_t token_lifetime_s(const weir_token *token);
bool token_is_expired(const weir_token *token, const struct clock *clock);
/* Whether it should be replaced by now: `leeway_s`, but at most half its lifetime, before it
 * expires. The wall clock may make it stale early (a machine that was frozen and does not know). */
bool token_is_stale(const weir_token *token, const struct clock *clock, int leeway_s);
bool token_same(const weir_token *a, const weir_token *b); /* the same text */
size_t token_field_count(const weir_token *token);
void token_field_at(const weir_token *token, size_t i, const char **name, const char **value);
#endif
