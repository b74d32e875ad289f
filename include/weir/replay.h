/* weir/replay.h - where subscriptions left off, kept across restarts.
 *
 * A store keeps one record for each organisation, group and channel. It belongs to one listener (a
 * weir_salesforce handle) of an organisation and group at a time; positions in it never go back.
 * One store may serve several handles, and any thread. */
#ifndef WEIR_REPLAY_H
#define WEIR_REPLAY_H

#include <weir/error.h>

typedef struct weir_replay weir_replay; /* reference counted */

/** Whose record it is. */
typedef struct weir_replay_key {
    const char *organisation; /**< "00D..." , or the instance's host where the login names none  */
    const char *group;        /**< "" unless weir_salesforce_options.group says otherwise        */
    const char *channel;      /**< as subscribed: "/event/Order__e", "/topic/T?Region='EMEA'"    */
} weir_replay_key;

/** A record is one line of JSON of at most this many bytes, its NUL included: {"position":"42"} and
 *  what else weir keeps there (docs/guide/stores.md). Keep it as it is. */
#define WEIR_REPLAY_RECORD_SIZE 256

/** Your own store. Calls for one store never overlap; they may come from any thread, and may block
 *  it. What they fail with ends the handle that asked, as WEIR_STORE. */
typedef struct weir_replay_ops {
    size_t struct_size;
    /** WEIR_NOT_FOUND for a record that was never saved. */
    weir_status (*load)(void *user, const weir_replay_key *key,
                        char record[WEIR_REPLAY_RECORD_SIZE], weir_error *err);
    /** All `count` or none of them, durable on return. */
    weir_status (*save)(void *user, const weir_replay_key *keys, const char *const *records,
                        size_t count, weir_error *err);
    /** May be NULL: one listener at a time is the program's own affair then. WEIR_CONFLICT: another
     *  one has it. Called with `channel` "". */
    weir_status (*claim)(void *user, const weir_replay_key *key, weir_error *err);
    void (*release)(void *user, const weir_replay_key *key); /**< may be NULL                    */
    void (*destroy)(void *user); /**< once, with the last reference; may be NULL                 */
} weir_replay_ops;
#define WEIR_REPLAY_OPS(...)                                                                       \
    (&(weir_replay_ops){.struct_size = sizeof(weir_replay_ops), __VA_ARGS__})

WEIR_BEGIN
/** Lives as long as the process. */
WEIR_API WEIR_MUST_USE weir_replay *weir_replay_memory(weir_error *err);
/** A file, made when it is not there, mode 0600; safe against the end of the process at any
 *  instant; when the machine loses power the last positions may be lost, and their events come
 *  again. WEIR_STORE: it cannot be opened, or is no store (the message says how to go on);
 *  WEIR_UNSUPPORTED: SQLite is not installed. */
WEIR_API WEIR_MUST_USE weir_replay *weir_replay_sqlite(const char *path, weir_error *err);
/** "redis://[USER[:PASSWORD]@]HOST[:PORT][/DB]" or "rediss://" (TLS), for several processes of
 * which one listens, by a lease of 15 s, and others wait. Connects when first needed. TLS trusts
 * the system's authorities, or those in the file WEIR_CA_FILE names. A password goes over plaintext
 * to loopback only, else WEIR_UNSUPPORTED. WEIR_INVALID: no such URL. */
WEIR_API WEIR_MUST_USE weir_replay *weir_replay_redis(const char *url, weir_error *err);
/** `ops` is copied. Without a handle `destroy` is not called. */
WEIR_API WEIR_MUST_USE weir_replay *weir_replay_custom(const weir_replay_ops *ops, void *user,
                                                       weir_error *err);
/** A path is a SQLite file, a redis:// or rediss:// URL a Redis server. */
WEIR_API WEIR_MUST_USE weir_replay *weir_replay_open(const char *path_or_url, weir_error *err);
WEIR_API weir_replay *weir_replay_ref(weir_replay *store);
WEIR_API void weir_replay_free(weir_replay *store); /* drops one reference */
WEIR_END
#endif
