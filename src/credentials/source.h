/* credentials/source.h - where tokens come from: a token endpoint, a program's own function. One
 * fetch at a time, started on the I/O thread; its end is reported there as well. What blocks (a
 * program's function, files) runs on the source's one helper thread, in the order it was given. */
#ifndef CREDENTIALS_SOURCE_H
#define CREDENTIALS_SOURCE_H

#include "core/pool.h"
#include "credentials/ask.h"
#include "credentials/token.h"
#include "io/loop.h"

struct source;

/* @thread io. `user` is what source_bind() was given. */
struct source_events {
    void (*got)(void *user, weir_token *token); /* the fetch is over; takes the token over     */
    void (*failed)(void *user, const weir_error *why, bool final); /* the fetch is over         */
    void (*found)(void *user, weir_token *token); /* stale but valid; `failed` or `got` follows */
};

struct source_kind {
    /* @thread io. `fresh`: not from the disk. Reports later, or from within. */
    void (*start)(struct source *source, bool fresh);
    void (*stop)(struct source *source); /* @thread io: nothing is reported any more  */
    void (*rejected)(struct source *source, const weir_token *token); /* any thread      */
    void (*free)(struct source *source); /* not on the I/O thread; nothing runs any more  */
};

struct source { /* first member of each kind */
    const struct source_kind *kind;
    struct loop *loop; /* borrowed by all but the credentials, who hold it */
    struct pool *pool; /* owned; one thread */
    const struct source_events *events;
    void *user;
    const char *what; /* "fetching a token from URL" */
    int leeway_s;
    weir_ms timeout; /* of one fetch */
};

/* NULL: *err says why. */
struct source *source_oauth2(const weir_oauth2_options *o, token_advice_fn *advice,
                             weir_error *err);
struct source *source_custom(const weir_token_source *s, weir_error *err);
/* Fills what every kind has: the loop, the pool. */
weir_status source_init(struct source *source, const struct source_kind *kind, weir_error *err);
/* The limit of one fetch: WEIR_INVALID when it is none, because a fetch always has one. */
weir_status source_limit(struct source *source, weir_ms wanted, weir_ms usual, weir_error *err);
void source_bind(struct source *source, const struct source_events *events, void *user);
/* The end, after `stop`: runs what the helper thread still has to do, waits for it, then for what
 * it told the I/O thread, and frees. Not on the I/O thread. */
void source_finish(struct source *source);
#endif
