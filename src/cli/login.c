/* From settings to the options of weir_credentials_oauth2(). Pure, but for reading HOME. */
#include "cli/login.h"

#include <stdlib.h>
#include <string.h>

#include "cli/endpoint.h"
#include "cli/fail.h"
#include "cli/session.h"

weir_client_auth login_client_auth(const char *name)
{
    static const struct {
        const char *name;
        weir_client_auth auth;
    } known[] = {
        {"basic", WEIR_CLIENT_AUTH_BASIC},
        {"json", WEIR_CLIENT_AUTH_JSON},
        {"private-key-jwt", WEIR_CLIENT_AUTH_PRIVATE_KEY_JWT},
    };
    for (size_t i = 0; name && i < sizeof known / sizeof *known; i++)
        if (strcmp(known[i].name, name) == 0)
            return known[i].auth;
    return WEIR_CLIENT_AUTH_POST;
}

void login_set_key(weir_oauth2_options *options, const struct setting *key)
{
    bool needed = options->grant == WEIR_GRANT_JWT_BEARER ||
                  options->client_auth == WEIR_CLIENT_AUTH_PRIVATE_KEY_JWT;
    if (!needed || !key->value || !*key->value)
        return;
    bool text = key->from == FROM_ENVIRONMENT && strstr(key->value, "-----BEGIN");
    if (text)
        options->private_key = key->value;
    else
        options->private_key_file = key->value;
}

int login_seconds(const struct setting *duration, int otherwise)
{
    if (!duration->value || !*duration->value)
        return otherwise;
    weir_ms ms = setting_duration(duration, 0);
    if (ms == 0)
        return WEIR_ZERO;
    return ms / 1000 >= INT32_MAX ? INT32_MAX : (int)((ms + 999) / 1000);
}

void login_default_cache(struct setting *cache)
{
    const char *xdg = getenv("XDG_CACHE_HOME"), *home = getenv("HOME");
    struct str path = {0};
    if (xdg && *xdg)
        str_addf(&path, "%s/weir/credentials", xdg);
    else if (home && *home)
        str_addf(&path, "%s/.cache/weir/credentials", home);
    else
        str_add(&path, "none");
    setting_default(cache, str_text(&path), "default");
    str_free(&path);
}

void login_set_cache(weir_oauth2_options *options, const struct setting *cache)
{
    if (!cache->value || !*cache->value || strcmp(cache->value, "none") == 0)
        return;
    options->cache_file = cache->value;
    options->cache_foreign = cache->from != FROM_DEFAULT;
}

void login_warn_of_secret(void)
{
    session_warn("auth", "other users of this machine can see a secret given as a flag; set "
                         "CAMUNDA_CLIENT_SECRET or CAMUNDA_CLIENT_SECRET_FILE instead");
}

weir_status login_check_exposed(const char *url, bool allowed, weir_error *err)
{
    if (allowed || !url || !endpoint_url_exposes(url))
        return WEIR_OK;
    char shown[300];
    endpoint_redact(url, shown, sizeof shown);
    return fail_set(err, WEIR_UNSUPPORTED,
                    "credentials would go to %s without TLS: use https, or accept that others can "
                    "read them with --allow-plaintext",
                    shown);
}
