#include "sandbox/token_client.h"

#include "core/error.h"
#include "core/mem.h"
#include "core/secret.h"
#include "core/text.h"
#include "sandbox/token_jwt.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

#define JTIS_MAX     1024 /* assertions that are remembered, so that none is used twice */
#define JTI_MAX      128
#define LIFETIME_MAX 3600 /* seconds an assertion may be valid */
#define SKEW         60

#define ASSERTION_TYPE "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"

struct clients {
    const struct clock *clock;
    char *endpoint;
    jwt_key *keys[2]; /* its own, and the one from the options */
    size_t key_count;
    char (*jtis)[JTI_MAX];
    size_t next_jti;
};

static const struct {
    const char *id, *secret;
} published[] = {
    {TOKEN_CLIENT_ID, TOKEN_CLIENT_SECRET},
    {TOKEN_ODD_CLIENT_ID, TOKEN_ODD_CLIENT_SECRET},
};

static const char *known_id(const char *id)
{
    for (size_t i = 0; i < sizeof published / sizeof published[0]; i++) {
        if (strcmp(published[i].id, id) == 0)
            return published[i].id;
    }
    return NULL;
}

static const char *check_secret(const char *id, const char *secret, const char **out,
                                weir_error *err)
{
    for (size_t i = 0; i < sizeof published / sizeof published[0]; i++) {
        if (strcmp(published[i].id, id) == 0 && strcmp(published[i].secret, secret) == 0) {
            *out = published[i].id;
            return NULL;
        }
    }
    error_set(err, WEIR_BAD_LOGIN, "no such client, or not its secret");
    return "invalid_client";
}

/* RFC 6749, 2.3.1: both are form-encoded before they become a Basic user name and password. */
static const char *check_basic(const char *encoded, const char **id, weir_error *err)
{
    void *bytes = NULL;
    size_t len = 0;
    const char *error = "invalid_request";
    bool decoded = base64_decode(encoded, strlen(encoded), false, &bytes, &len);
    const char *colon = decoded && bytes ? memchr(bytes, ':', len) : NULL;
    size_t id_len = colon ? (size_t)(colon - (const char *)bytes) : 0;
    char *name = colon ? form_decode(bytes, id_len) : NULL;
    char *secret = colon ? form_decode(colon + 1, len - id_len - 1) : NULL;
    if (!decoded)
        error_set(err, WEIR_INVALID, "the Basic credentials are not base64");
    else if (!name || !secret)
        error_set(err, WEIR_INVALID,
                  "client_id and client_secret in the Authorization header are not form-encoded "
                  "(RFC 6749, 2.3.1)");
    else
        error = check_secret(name, secret, id, err);
    secret_free_text(name);
    secret_free_text(secret);
    if (bytes)
        secret_wipe(bytes, len);
    mem_free(bytes);
    return error;
}

static bool meant_for(const json_t *audience, const char *endpoint)
{
    size_t i = 0;
    const json_t *one = NULL;
    if (json_is_string(audience))
        return strcmp(json_string_value(audience), endpoint) == 0;
    json_array_foreach(audience, i, one)
    {
        if (json_is_string(one) && strcmp(json_string_value(one), endpoint) == 0)
            return true;
    }
    return false;
}

static weir_status check_times(const struct clients *clients, const json_t *claims, weir_error *err)
{
    int64_t now = clock_wall(clients->clock) / NS_PER_S;
    const json_t *expires = json_object_get(claims, "exp");
    const json_t *from = json_object_get(claims, "nbf");
    if (!json_is_integer(expires))
        return error_set(err, WEIR_INVALID, "the assertion has no \"exp\"");
    if (json_integer_value(expires) <= now - SKEW)
        return error_set(err, WEIR_INVALID, "the assertion has expired");
    if (json_integer_value(expires) > now + LIFETIME_MAX + SKEW)
        return error_set(err, WEIR_INVALID, "the assertion is valid for more than an hour");
    if (from && json_integer_value(from) > now + SKEW)
        return error_set(err, WEIR_INVALID, "the assertion is not valid yet");
    return WEIR_OK;
}

static weir_status check_first_use(struct clients *clients, const json_t *claims, weir_error *err)
{
    const char *jti = json_string_value(json_object_get(claims, "jti"));
    if (!jti || !*jti || strlen(jti) >= JTI_MAX)
        return error_set(err, WEIR_INVALID, "the assertion has no \"jti\", or a very long one");
    for (size_t i = 0; i < JTIS_MAX; i++) {
        if (strcmp(clients->jtis[i], jti) == 0)
            return error_set(err, WEIR_INVALID, "the assertion was used before");
    }
    (void)snprintf(clients->jtis[clients->next_jti], JTI_MAX, "%s", jti);
    clients->next_jti = (clients->next_jti + 1) % JTIS_MAX;
    return WEIR_OK;
}

static weir_status check_claims(struct clients *clients, const json_t *claims, const char **id,
                                weir_error *err)
{
    const char *issuer = json_string_value(json_object_get(claims, "iss"));
    const char *subject = json_string_value(json_object_get(claims, "sub"));
    if (!issuer || !known_id(issuer) || !subject)
        return error_set(err, WEIR_BAD_LOGIN,
                         "the assertion's \"iss\" is no client, or it has no "
                         "\"sub\"");
    if (id && strcmp(issuer, subject) != 0)
        return error_set(err, WEIR_INVALID, "the assertion's \"iss\" and \"sub\" differ");
    if (!id && strcmp(subject, TOKEN_USERNAME) != 0)
        return error_set(err, WEIR_BAD_LOGIN, "the assertion's \"sub\" is no user");
    if (!meant_for(json_object_get(claims, "aud"), clients->endpoint))
        return error_set(err, WEIR_INVALID, "the assertion's \"aud\" is not %s", clients->endpoint);
    weir_status status = check_times(clients, claims, err);
    if (status == WEIR_OK)
        status = check_first_use(clients, claims, err);
    if (id)
        *id = known_id(issuer);
    return status;
}

weir_status clients_assertion(struct clients *clients, const char *assertion, const char **id,
                              weir_error *err)
{
    json_t *claims = jwt_verify(assertion, clients->keys, clients->key_count, err);
    weir_status status = claims ? check_claims(clients, claims, id, err) : WEIR_INVALID;
    json_decref(claims);
    return status;
}

static const char *check_assertion(struct clients *clients, const struct params *params,
                                   const char **id, weir_error *err)
{
    const char *type = params_get(params, "client_assertion_type");
    const char *named = params_get(params, "client_id");
    if (!type || strcmp(type, ASSERTION_TYPE) != 0) {
        error_set(err, WEIR_INVALID, "client_assertion_type must be " ASSERTION_TYPE);
        return "invalid_request";
    }
    if (clients_assertion(clients, params_get(params, "client_assertion"), id, err) != WEIR_OK)
        return "invalid_client";
    if (named && (!*id || strcmp(named, *id) != 0)) {
        error_set(err, WEIR_INVALID, "client_id is not the one of the assertion");
        return "invalid_client";
    }
    return NULL;
}

const char *clients_authenticate(struct clients *clients, const char *authorization,
                                 const struct params *params, const char **id, weir_error *err)
{
    const char *secret = params_get(params, "client_secret");
    const char *name = params_get(params, "client_id");
    bool assertion = params_get(params, "client_assertion") != NULL;
    *id = NULL;
    if ((authorization != NULL) + (secret != NULL) + assertion > 1) {
        error_set(err, WEIR_INVALID, "the client authenticates in more than one way");
        return "invalid_request";
    }
    if (assertion)
        return check_assertion(clients, params, id, err);
    if (authorization && strncasecmp(authorization, "Basic ", 6) == 0)
        return check_basic(authorization + 6, id, err);
    if (authorization) {
        error_set(err, WEIR_BAD_LOGIN, "the Authorization header is not Basic");
        return "invalid_client";
    }
    if (!secret)
        return NULL;
    return check_secret(name ? name : "", secret, id, err);
}

struct clients *clients_new(const struct tokens_options *options, char **private_pem,
                            weir_error *err)
{
    struct clients *clients = mem_zalloc(sizeof *clients);
    if (!clients) {
        error_no_memory(err);
        return NULL;
    }
    clients->clock = options->clock;
    clients->endpoint = mem_strdup(options->endpoint);
    clients->jtis = mem_array(JTIS_MAX, JTI_MAX);
    bool good = clients->endpoint && clients->jtis;
    if (!good)
        error_no_memory(err);
    if (good && (clients->keys[0] = jwt_key_make(private_pem, err)))
        clients->key_count = 1;
    good = clients->key_count == 1;
    if (good && options->assertion_key) {
        clients->keys[1] = jwt_key_read(options->assertion_key, err);
        clients->key_count = clients->keys[1] ? 2 : 0;
    }
    if (clients->key_count)
        return clients;
    clients_free(clients);
    return NULL;
}

void clients_free(struct clients *clients)
{
    if (!clients)
        return;
    jwt_key_free(clients->keys[0]);
    jwt_key_free(clients->keys[1]);
    mem_free(clients->jtis);
    mem_free(clients->endpoint);
    mem_free(clients);
}
