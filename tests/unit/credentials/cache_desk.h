/* unit/credentials/cache_desk.h - a credentials file in a folder of its own, for the tests of one.
 */
#ifndef UNIT_CREDENTIALS_CACHE_DESK_H
#define UNIT_CREDENTIALS_CACHE_DESK_H

#include "lib/check.h"
#include "lib/vclock.h"

#include "credentials/cache_file.h"

extern char folder[64], path[128]; /* of the test that runs */
extern struct vclock now;          /* 2026-01-01T00:00:00Z */
extern char warnings[4096];        /* what was logged as one */

/* Each test's setup and teardown. */
int begin(void **state);
int end(void **state);
#define CASE(name) cmocka_unit_test_setup_teardown(name, begin, end)

#define PLAIN                                                                                      \
    .token_url = "https://login.example/t", .client_id = "me", .client_secret = "s",               \
    .audience = "zeebe.example"

struct desk {
    struct grant *grant;
    struct cache *cache;
};
struct desk desk_of(const weir_oauth2_options *o);
void leave(struct desk *desk);
const char *loaded(struct desk *desk); /* the token that serves, or "" */
weir_token *token_called(const char *text, int lifetime);
void store_as(struct desk *desk, const char *text, int lifetime, const char *refresh);
/* With a desk of their own: */
const char *served(const weir_oauth2_options *o);
void store(const weir_oauth2_options *o, const char *text);
void forget(const weir_oauth2_options *o, const char *text);

char *contents(void); /* mem_free() */
void write_file(const char *text, unsigned mode);
unsigned mode_of(const char *name);
bool holds(const char *text); /* the file */

/* As zbctl 8.4 writes it. */
#define ZBCTL(token, expiry)                                                                       \
    "zeebe.example:\n    auth:\n        credentials:\n            accesstoken: " token             \
    "\n            tokentype: Bearer\n            refreshtoken: \"\"\n            expiry: " expiry \
    "\n"
/* As the Java client does. */
#define JAVA(key, token, expiry)                                                                   \
    "---\n" key ":\n  auth:\n    credentials:\n      accessToken: \"" token                        \
    "\"\n      tokenType: \"Bearer\"\n      expiry: \"" expiry "\"\n      scope: \"all\"\n"
#define LATER "2026-01-01T01:00:00.123456789+00:30"
#endif
