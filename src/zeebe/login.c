/* Who we are: options first, then CAMUNDA_ variables, then ZEEBE_ ones; an empty variable counts as
 * unset. Secrets may also stand in files that NAME_FILE variables name. */
#include "zeebe/login.h"

#include "core/error.h"
#include "core/mem.h"
#include "core/options.h"
#include "core/secret.h"

#include <string.h>
#include <strings.h>

/* ---- id and secret ----------------------------------------------------------------------- */

static weir_status find(char **out, const char *option, const char *first, const char *second,
                        weir_error *err)
{
    if (options_text(option)) {
        *out = mem_strdup(option);
        return *out ? WEIR_OK : error_no_memory(err);
    }
    weir_status status = options_secret_env(first, out, err);
    if (status != WEIR_OK || options_text(*out))
        return status;
    secret_free_text(*out);
    return options_secret_env(second, out, err);
}

weir_status login_find(struct login *out, const char *client_id, const char *client_secret,
                       weir_error *err)
{
    *out = (struct login){0};
    weir_status status =
        find(&out->client_id, client_id, "CAMUNDA_CLIENT_ID", "ZEEBE_CLIENT_ID", err);
    if (status == WEIR_OK)
        status = find(&out->client_secret, client_secret, "CAMUNDA_CLIENT_SECRET",
                      "ZEEBE_CLIENT_SECRET", err);
    if (status != WEIR_OK)
        login_clear(out);
    return status;
}

weir_status login_complete(const struct login *login, bool secret, weir_error *err)
{
    if (!options_text(login->client_id))
        return error_set(err, WEIR_MISSING,
                         "the client id is nowhere: no client_id, no CAMUNDA_CLIENT_ID or "
                         "ZEEBE_CLIENT_ID provided");
    if (secret && !options_text(login->client_secret))
        return error_set(
            err, WEIR_MISSING,
            "the client secret is nowhere: no client_secret, no CAMUNDA_CLIENT_SECRET "
            "or ZEEBE_CLIENT_SECRET provided (nor a file in CAMUNDA_CLIENT_SECRET_FILE)");
    return WEIR_OK;
}

void login_clear(struct login *login)
{
    secret_free_text(login->client_id);
    secret_free_text(login->client_secret);
    *login = (struct login){0};
}

/* ---- the request ------------------------------------------------------------------------- */

bool login_is_saas(const struct gateway *gateway)
{
    size_t len = gateway->host ? strlen(gateway->host) : 0;
    size_t tail = sizeof SAAS_DOMAIN - 1;
    if (len > 0 && gateway->host[len - 1] == '.')
        len--; /* a name's end said in full */
    if (len < tail || strncasecmp(gateway->host + len - tail, SAAS_DOMAIN, tail) != 0)
        return false;
    return len == tail || gateway->host[len - tail - 1] == '.';
}

/* An option, else the environment, else the default; "" and WEIR_OMIT leave it out. */
static const char *optional(const char *option, const char *variable, const char *fallback)
{
    if (option)
        return options_text(option);
    return variable ? variable : fallback;
}

weir_credentials *login_credentials(const struct login *login, const weir_oauth2_channel_options *o,
                                    const struct gateway *gateway, weir_error *err)
{
    bool saas = login_is_saas(gateway);
    weir_oauth2_options wanted = {
        .struct_size = sizeof wanted,
        .client_auth = o->client_auth,
        .client_id = login->client_id,
        .client_secret = login->client_secret,
        .token_url = optional(
            options_text(o->authorization_server),
            options_env("CAMUNDA_OAUTH_URL", "ZEEBE_AUTHORIZATION_SERVER_URL", (char *)NULL),
            saas ? SAAS_TOKEN_URL : NULL),
        .scope = optional(
            o->scope, options_env("CAMUNDA_TOKEN_SCOPE", "ZEEBE_TOKEN_SCOPE", (char *)NULL), NULL),
        .audience =
            optional(o->audience,
                     options_env("CAMUNDA_TOKEN_AUDIENCE", "ZEEBE_TOKEN_AUDIENCE", (char *)NULL),
                     saas ? gateway->host : NULL),
        .resource = options_text(o->resource),
        .private_key = o->private_key,
        .private_key_file = o->private_key_file,
        .key_id = o->key_id,
        .proxy = o->proxy,
        .cache_file = options_text(o->cache_file),
        .cache_foreign = true, /* it has no default: somebody named it */
        .leeway_s = o->leeway_s,
        .expires_in_s = o->expire_in_s,
        .allow_plaintext = o->allow_plaintext_credentials,
        .tls = o->token_tls,
    };
    if (!wanted.token_url) {
        error_set(err, WEIR_MISSING,
                  "the token endpoint is nowhere: no authorization_server, no CAMUNDA_OAUTH_URL or "
                  "ZEEBE_AUTHORIZATION_SERVER_URL provided");
        return NULL;
    }
    return weir_credentials_oauth2(&wanted, err);
}
