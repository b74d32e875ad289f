/* The constructors: each reads its options, fills what is left out, and makes a plan. */
#include "core/error.h"
#include "core/mem.h"
#include "core/options.h"
#include "zeebe/login.h"

#include <weir/settings.h>

/* ---- where ------------------------------------------------------------------------------- */

/* An address whose scheme contradicts the constructor is refused: guessing which of the two was
 * meant would either expose a token or fail in a TLS handshake that says nothing. */
static weir_status check_scheme(const struct gateway *g, enum gateway_security against,
                                const char *constructor, weir_error *err)
{
    if (against == GATEWAY_UNSAID || g->security != against)
        return WEIR_OK;
    bool tls = against == GATEWAY_TLS;
    return error_set(err, WEIR_INVALID, "grpc_address '%s' asks for %s, but %s is for %s",
                     g->target, tls ? "TLS" : "plaintext", constructor, tls ? "plaintext" : "TLS");
}

static weir_status check_tls(const weir_tls_options *tls, bool plaintext, const char *constructor,
                             weir_error *err)
{
    if (!plaintext || !tls)
        return WEIR_OK;
    return error_set(err, WEIR_INVALID, "%s takes no .tls without TLS", constructor);
}

/* ---- without credentials ----------------------------------------------------------------- */

static const char *given_address(const char *option)
{
    const char *address = options_text(option);
    return address ? address : weir_setting_zeebe_address(NULL);
}

static weir_channel *open_with(const weir_channel_options *o, const struct gateway *gateway,
                               bool plaintext, weir_credentials *credentials, weir_error *err)
{
    struct channel_plan plan = {
        .gateway = gateway,
        .plaintext = plaintext,
        .allow_plaintext_credentials = o->allow_plaintext_credentials,
        .tls = o->tls,
        .args = o->args,
        .proxy = o->proxy,
        .default_timeout = o->default_timeout,
        .credentials = credentials,
    };
    return channel_open(&plan, err);
}

static weir_channel *open_without(const weir_channel_options *given, bool plaintext,
                                  const char *constructor, weir_error *err)
{
    weir_channel_options o;
    struct gateway gateway = {0};
    weir_channel *channel = NULL;
    enum gateway_security against = plaintext ? GATEWAY_TLS : GATEWAY_PLAINTEXT;
    if (!loop_may_open(err))
        return NULL;
    if (options_read(&o, sizeof o, given, "WEIR_CHANNEL", err) != WEIR_OK ||
        gateway_parse(&gateway, given_address(o.grpc_address), "grpc_address", err) != WEIR_OK)
        return NULL;
    if (o.plaintext && !plaintext)
        error_set(err, WEIR_INVALID, "%s is for TLS; .plaintext contradicts it", constructor);
    else if (check_scheme(&gateway, against, constructor, err) == WEIR_OK &&
             check_tls(o.tls, plaintext, constructor, err) == WEIR_OK)
        channel = open_with(&o, &gateway, plaintext, NULL, err);
    gateway_clear(&gateway);
    return channel;
}

weir_channel *weir_channel_insecure(const weir_channel_options *o, weir_error *err)
{
    return open_without(o, true, "weir_channel_insecure()", err);
}

weir_channel *weir_channel_secure(const weir_channel_options *o, weir_error *err)
{
    return open_without(o, false, "weir_channel_secure()", err);
}

/* ---- with credentials -------------------------------------------------------------------- */

weir_channel *weir_channel_with_credentials(const weir_channel_options *given,
                                            weir_credentials *credentials, weir_error *err)
{
    static const char constructor[] = "weir_channel_with_credentials()";
    weir_channel_options o;
    struct gateway gateway = {0};
    weir_channel *channel = NULL;
    if (!loop_may_open(err))
        return NULL;
    if (!credentials) {
        error_null(err, "the credentials");
        return NULL;
    }
    if (options_read(&o, sizeof o, given, "WEIR_CHANNEL", err) != WEIR_OK ||
        gateway_parse(&gateway, given_address(o.grpc_address), "grpc_address", err) != WEIR_OK)
        return NULL;
    bool plaintext = o.plaintext || gateway.security == GATEWAY_PLAINTEXT;
    enum gateway_security against = o.plaintext ? GATEWAY_TLS : GATEWAY_UNSAID;
    if (check_scheme(&gateway, against, "plaintext", err) == WEIR_OK &&
        check_tls(o.tls, plaintext, constructor, err) == WEIR_OK)
        channel = open_with(&o, &gateway, plaintext, credentials, err);
    gateway_clear(&gateway);
    return channel;
}

/* The argument, ZEEBE_ADDRESS, the cluster of the environment, localhost. *made is mem_free()d by
 * the caller. */
static const char *oauth2_address(const char *option, char **made, weir_error *err)
{
    const char *address = options_text(option);
    if (!address)
        address = options_env("ZEEBE_ADDRESS", (char *)NULL);
    const char *cluster = options_env("CAMUNDA_CLUSTER_ID", (char *)NULL);
    if (address || !cluster)
        return address ? address : weir_setting_zeebe_address(NULL);
    const char *region = weir_setting_cluster_region(SAAS_REGION, NULL);
    return *made = weir_setting_camunda_address(cluster, region, err);
}

static weir_channel *open_oauth2(const weir_oauth2_channel_options *o,
                                 const struct gateway *gateway, weir_error *err)
{
    struct login login;
    bool plaintext = o->plaintext || gateway->security == GATEWAY_PLAINTEXT;
    const weir_channel_options rest = {
        .struct_size = sizeof rest,
        .tls = o->tls,
        .args = o->args,
        .proxy = o->proxy,
        .default_timeout = o->default_timeout,
        .allow_plaintext_credentials = o->allow_plaintext_credentials,
    };
    const struct channel_plan plan = {
        .gateway = gateway,
        .plaintext = plaintext,
        .allow_plaintext_credentials = o->allow_plaintext_credentials,
        .args = o->args,
        .proxy = o->proxy,
    };
    bool secret = o->client_auth != WEIR_CLIENT_AUTH_PRIVATE_KEY_JWT && !o->token_tls;
    weir_credentials *credentials = NULL;
    if (channel_check_exposure(&plan, err) != WEIR_OK ||
        login_find(&login, o->client_id, o->client_secret, err) != WEIR_OK)
        return NULL;
    if (login_complete(&login, secret, err) == WEIR_OK)
        credentials = login_credentials(&login, o, gateway, err);
    login_clear(&login);
    weir_channel *channel =
        credentials ? open_with(&rest, gateway, plaintext, credentials, err) : NULL;
    weir_credentials_free(credentials);
    return channel;
}

weir_channel *weir_channel_oauth2_client_credentials(const weir_oauth2_channel_options *given,
                                                     weir_error *err)
{
    weir_oauth2_channel_options o;
    struct gateway gateway = {0};
    weir_channel *channel = NULL;
    char *made = NULL;
    if (!loop_may_open(err) ||
        options_read(&o, sizeof o, given, "WEIR_OAUTH2_CHANNEL", err) != WEIR_OK)
        return NULL;
    const char *address = oauth2_address(o.grpc_address, &made, err);
    if (!address)
        return NULL;
    if (gateway_parse(&gateway, address, "grpc_address", err) == WEIR_OK &&
        check_scheme(&gateway, o.plaintext ? GATEWAY_TLS : GATEWAY_UNSAID, "plaintext", err) ==
            WEIR_OK &&
        check_tls(o.tls, o.plaintext || gateway.security == GATEWAY_PLAINTEXT,
                  "weir_channel_oauth2_client_credentials()", err) == WEIR_OK)
        channel = open_oauth2(&o, &gateway, err);
    gateway_clear(&gateway);
    mem_free(made);
    return channel;
}

/* As the OAuth2 channel, with the cloud's defaults. */
static void as_oauth2(weir_oauth2_channel_options *out, const weir_cloud_channel_options *o)
{
    *out = (weir_oauth2_channel_options){
        .struct_size = sizeof *out,
        .client_id = o->client_id,
        .client_secret = o->client_secret,
        .authorization_server = options_text(o->authorization_server)
                                    ? o->authorization_server
                                    : weir_setting_oauth_url(SAAS_TOKEN_URL, NULL),
        .scope = o->scope,
        .audience = o->audience ? o->audience : weir_setting_token_audience(SAAS_DOMAIN, NULL),
        .tls = o->tls,
        .args = o->args,
        .token_tls = o->token_tls,
        .cache_file = o->cache_file,
        .proxy = o->proxy,
        .leeway_s = o->leeway_s,
        .expire_in_s = o->expire_in_s,
        .default_timeout = o->default_timeout,
    };
}

weir_channel *weir_channel_camunda_cloud(const weir_cloud_channel_options *given, weir_error *err)
{
    weir_cloud_channel_options o;
    weir_oauth2_channel_options oauth2;
    struct gateway gateway = {0};
    weir_channel *channel = NULL;
    if (!loop_may_open(err) ||
        options_read(&o, sizeof o, given, "WEIR_CLOUD_CHANNEL", err) != WEIR_OK)
        return NULL;
    const char *cluster = options_text(o.cluster_id);
    const char *region = options_text(o.region);
    if (!cluster && !(cluster = weir_setting_cluster_id(err)))
        return NULL;
    if (!region)
        region = weir_setting_cluster_region(SAAS_REGION, NULL);
    char *address = weir_setting_camunda_address(cluster, region, err);
    as_oauth2(&oauth2, &o);
    if (address && gateway_parse(&gateway, address, "the cluster's address", err) == WEIR_OK)
        channel = open_oauth2(&oauth2, &gateway, err);
    gateway_clear(&gateway);
    mem_free(address);
    return channel;
}
