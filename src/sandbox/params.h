/* sandbox/params.h - the parameters of a token request: a form (WHATWG URL, 5.1) or the JSON
 * document of Camunda's documentation. */
#ifndef SANDBOX_PARAMS_H
#define SANDBOX_PARAMS_H

#include "sandbox/journal.h"

#define PARAMS_MAX      64
#define PARAMS_MAX_BODY ((size_t)256 * 1024)

struct params {
    struct journal_pair list[PARAMS_MAX]; /* both texts owned */
    size_t count;
};

/* WEIR_INVALID: broken encoding, a NUL, a name twice (RFC 6749, 3.2), too many, or for JSON a
 * member that is no string. */
weir_status params_form(struct params *out, const char *body, size_t len, weir_error *err);
weir_status params_json(struct params *out, const char *body, size_t len, weir_error *err);
const char *params_get(const struct params *params, const char *name); /* NULL: not there, or "" */
void params_clear(struct params *params);
/* "a%20b+c" to "a b c", mem_free(); NULL: a '%' without two hexadecimal digits, a NUL, no memory.
 */
char *form_decode(const char *text, size_t len);
#endif
