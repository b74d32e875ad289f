/* weir/credentials.h - who we are: OAuth2 access tokens, fetched once and shared by every channel.
 *
 * A weir_credentials is thread-safe and reference counted. However many threads ask at once, one
 * token request is in flight; each caller waits for it up to its own limit. A token is renewed
 * `leeway` before it expires, in the background; if renewal fails, the old token serves until
 * its real expiry, and the endpoint is left alone for a growing pause.
 */
#ifndef WEIR_CREDENTIALS_H
#define WEIR_CREDENTIALS_H

#include <weir/error.h>
#include <weir/json.h>

typedef struct weir_credentials weir_credentials;
typedef struct weir_token weir_token;

typedef enum weir_grant {
    WEIR_GRANT_CLIENT_CREDENTIALS = 0, /**< RFC 6749, 4.4: Camunda, Entra ID, Salesforce      */
    WEIR_GRANT_PASSWORD,               /**< RFC 6749, 4.3: user name and password             */
    WEIR_GRANT_REFRESH_TOKEN,          /**< RFC 6749, 6: a refresh token obtained elsewhere   */
    WEIR_GRANT_JWT_BEARER              /**< RFC 7523, 2.1: an assertion signed with our key   */
} weir_grant;

/** How the client authenticates at the token endpoint (OpenID Connect Core, 9). */
typedef enum weir_client_auth {
    WEIR_CLIENT_AUTH_POST = 0,       /**< client_secret_post: id and secret in the form       */
    WEIR_CLIENT_AUTH_BASIC,          /**< client_secret_basic: form-encoded as RFC 6749 2.3.1 */
    WEIR_CLIENT_AUTH_JSON,           /**< all parameters as one JSON document                 */
    WEIR_CLIENT_AUTH_PRIVATE_KEY_JWT /**< RFC 7523, 2.2: an assertion instead of the secret   */
} weir_client_auth;

/** Transport security: PEM text or PEM files. All NULL: the system's trust store. */
typedef struct weir_tls_options {
    size_t struct_size;
    const char *root_certificates, *root_certificates_file;
    const char *private_key, *private_key_file; /**< with a chain: mutual TLS */
    const char *certificate_chain, *certificate_chain_file;
} weir_tls_options;
#define WEIR_TLS(...) (&(weir_tls_options){.struct_size = sizeof(weir_tls_options), __VA_ARGS__})

/** A further parameter of the token request; an array ends with a NULL name. */
typedef struct weir_param {
    const char *name, *value;
} weir_param;

/** Told when the endpoint hands out a new refresh token (RFC 6749, 6). Library thread. */
typedef void weir_refresh_token_fn(const char *refresh_token, void *user);

typedef struct weir_oauth2_options {
    size_t struct_size;
    weir_grant grant;
    weir_client_auth client_auth;
    const char *token_url; /**< required; https, or http to a loopback address               */
    const char *client_id, *client_secret;
    const char *scope, *audience, *resource;    /**< sent only when set and not ""              */
    const char *username, *password;            /**< PASSWORD                                   */
    const char *refresh_token;                  /**< REFRESH_TOKEN                              */
    const char *private_key, *private_key_file; /**< PEM text or file; JWT_BEARER and
                                                  PRIVATE_KEY_JWT; RS256 or ES256 by its kind */
    const char *key_id;                         /**< "kid" of the assertions                    */
    const char *subject;                        /**< JWT_BEARER "sub"; default `username`       */
    const char *assertion_audience;             /**< "aud" of assertions; default `token_url`   */
    const weir_param *params;                   /**< any further parameters                     */
    const char *ca_file;                        /**< PEM; default: the system's trust store     */
    const char *client_cert_file, *client_key_file; /**< PEM; mutual TLS to the endpoint     */
    const char *proxy;      /**< URL; default: HTTPS_PROXY and the like     */
    const char *cache_file; /**< tokens kept on disk, shared with others    */
    int leeway_s;           /**< renew this long before expiry; 60          */
    int expires_in_s;       /**< when the answer does not say; 300          */
    weir_ms timeout;        /**< of one token request; 10 s                 */
    bool cache_foreign;     /**< what zbctl and the Java client keep in
                                 `cache_file` may serve, too: for a file
                                 that somebody named, not for a default   */
    bool allow_plaintext;   /**< http to other than loopback                */
    weir_refresh_token_fn *on_refresh_token;
    void *user;
    const weir_tls_options *tls; /**< to the endpoint; instead of the three files above   */
} weir_oauth2_options;
#define WEIR_OAUTH2(...)                                                                           \
    (&(weir_oauth2_options){.struct_size = sizeof(weir_oauth2_options), __VA_ARGS__})

/** Your own source of tokens. `fetch` hands its token over with weir_token_set() and its
 *  relatives, and may block up to `limit`; it runs on a library thread of its own. */
typedef struct weir_token_answer weir_token_answer;
typedef struct weir_token_source {
    size_t struct_size;
    weir_status (*fetch)(void *user, weir_token_answer *answer, weir_ms limit, weir_error *err);
    void (*destroy)(void *user); /**< once, after the last fetch; may be NULL                 */
    void *user;
    int leeway_s;    /**< 60                                                                 */
    weir_ms timeout; /**< limit of one fetch; 10 s                                           */
} weir_token_source;
#define WEIR_TOKEN_SOURCE(...)                                                                     \
    (&(weir_token_source){.struct_size = sizeof(weir_token_source), __VA_ARGS__})

WEIR_BEGIN
/** Strings are copied; a key file is read here, once. No request is made before the first token
 *  is wanted. WEIR_INVALID names the option that is wrong or missing; WEIR_UNSUPPORTED: secrets
 * would go over plaintext to another machine; WEIR_STORE: the key file cannot be read. */
WEIR_API WEIR_MUST_USE weir_credentials *weir_credentials_oauth2(const weir_oauth2_options *o,
                                                                 weir_error *err);
/** A token that is used as it is for ever. */
WEIR_API WEIR_MUST_USE weir_credentials *weir_credentials_fixed(const char *token, weir_error *err);
/** `fetch` runs when a token is wanted, one call at a time; statuses that may mend themselves
 *  (UNREACHABLE, BUSY, TIMEOUT) are tried again. Without a handle `destroy` is not called. */
WEIR_API WEIR_MUST_USE weir_credentials *weir_credentials_custom(const weir_token_source *s,
                                                                 weir_error *err);
WEIR_API weir_credentials *weir_credentials_ref(weir_credentials *credentials);
WEIR_API void weir_credentials_free(weir_credentials *credentials); /* drops one reference */

/** A token that is valid now; fetches when there is none. Release with weir_token_free().
 *  NULL: BAD_LOGIN (refused), UNREACHABLE or BUSY (endpoint down), PROTOCOL (no token in the
 *  answer), UNTRUSTED (its certificate), TIMEOUT (this call's limit; the fetch goes on). */
WEIR_API WEIR_MUST_USE weir_token *weir_credentials_token(weir_credentials *credentials,
                                                          weir_ms timeout, weir_error *err);
/** As above, but never from the cache: a new token replaces the one held. */
WEIR_API WEIR_MUST_USE weir_token *weir_credentials_refresh(weir_credentials *credentials,
                                                            weir_ms timeout, weir_error *err);
/** The peer refused `token`: forget it, unless a newer one has already replaced it. */
WEIR_API void weir_credentials_reject(weir_credentials *credentials, const weir_token *token);

WEIR_API const char *weir_token_value(const weir_token *token);
/** The scheme for the Authorization header: "Bearer" whatever its spelling in the answer. */
WEIR_API const char *weir_token_type(const weir_token *token);
/** Seconds since the epoch; INT64_MAX for a fixed token. */
WEIR_API int64_t weir_token_expires_at(const weir_token *token);
/** True when it came from the disk cache rather than from the server. */
WEIR_API bool weir_token_from_cache(const weir_token *token);
/** Any other member of the token answer ("instance_url", "scope"), or NULL. */
WEIR_API const char *weir_token_field(const weir_token *token, const char *name);
WEIR_API weir_token *weir_token_ref(weir_token *token);
WEIR_API void weir_token_free(weir_token *token); /* wiped with the last reference */

/* Inside a source's fetch. Texts are copied, of any length up to 64 KiB. */
WEIR_API weir_status weir_token_set(weir_token_answer *answer, const char *token, int expires_in_s);
WEIR_API weir_status weir_token_set_type(weir_token_answer *answer, const char *scheme);
WEIR_API weir_status weir_token_set_field(weir_token_answer *answer, const char *name,
                                          const char *value);
WEIR_END
#endif
