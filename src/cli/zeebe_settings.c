/* `weir zeebe`'s settings in four steps: gather each with its origin; decide the login; work out
 * the gateway's address; decide TLS. A flag beats the environment; two of the same origin that
 * cannot both hold are refused, never weighed. Pure but for reading the environment and the files
 * it names. */
#include "cli/zeebe_settings.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/fail.h"
#include "cli/groups.h"
#include "cli/login.h"

#include <weir/settings.h>

#define SAAS_DOMAIN    "zeebe.camunda.io"
#define SAAS_TOKEN_URL "https://login.cloud.camunda.io/oauth/token"
#define SAAS_REGION    "bru-2"

static const struct {
    const struct flag_group *group;
    const char *name;
} known[ZEEBE_SETTINGS] = {
    [ZEEBE_ADDRESS] = {&group_channel, "address"},
    [ZEEBE_HOST] = {&group_channel, "host"},
    [ZEEBE_PORT] = {&group_channel, "port"},
    [ZEEBE_CLUSTER_ID] = {&group_channel, "cluster-id"},
    [ZEEBE_REGION] = {&group_channel, "region"},
    [ZEEBE_INSECURE] = {&group_channel, "insecure"},
    [ZEEBE_CERT_PATH] = {&group_channel, "cert-path"},
    [ZEEBE_CLIENT_CERT] = {&group_channel, "client-cert"},
    [ZEEBE_CLIENT_KEY] = {&group_channel, "client-key"},
    [ZEEBE_AUTHORITY] = {&group_channel, "authority"},
    [ZEEBE_KEEPALIVE] = {&group_channel, "keepalive"},
    [ZEEBE_CA_FILE] = {&group_network, "ca-file"},
    [ZEEBE_PROXY] = {&group_network, "proxy"},
    [ZEEBE_ALLOW_PLAINTEXT] = {&group_network, "allow-plaintext"},
    [ZEEBE_CLIENT_ID] = {&group_login, "client-id"},
    [ZEEBE_CLIENT_SECRET] = {&group_login, "client-secret"},
    [ZEEBE_AUTHZ_URL] = {&group_login, "authz-url"},
    [ZEEBE_AUDIENCE] = {&group_login, "audience"},
    [ZEEBE_SCOPE] = {&group_login, "scope"},
    [ZEEBE_RESOURCE] = {&group_login, "resource"},
    [ZEEBE_CLIENT_AUTH] = {&group_login, "client-auth"},
    [ZEEBE_PRIVATE_KEY] = {&group_login, "private-key"},
    [ZEEBE_LEEWAY] = {&group_login, "leeway"},
    [ZEEBE_EXPIRE_IN] = {&group_login, "expire-in"},
    [ZEEBE_TOKEN_ENV] = {&group_login, "token-env"},
    [ZEEBE_ACCESS_TOKEN] = {&group_login, "access-token"},
    [ZEEBE_CACHE] = {&group_cache_zeebe, "cache"},
};

const char *zeebe_setting_name(enum zeebe_setting which)
{
    return known[which].name;
}

const char *zeebe_login_name(enum zeebe_login login)
{
    static const char *const names[] = {"none", "token", "oauth2", "camunda-cloud"};
    return names[login];
}

const char *zeebe_setting_text(const struct zeebe_settings *settings, enum zeebe_setting which)
{
    const char *value = settings->at[which].value;
    return value && *value ? value : NULL;
}

static enum setting_from from(const struct zeebe_settings *s, enum zeebe_setting which)
{
    return zeebe_setting_text(s, which) ? s->at[which].from : FROM_NOWHERE;
}

static enum setting_from stronger(enum setting_from a, enum setting_from b)
{
    return a > b ? a : b;
}

static weir_status contradict(const char *one, const char *other, weir_error *err)
{
    return fail_set(err, WEIR_UNSUPPORTED, "%s and %s contradict each other: give one of them", one,
                    other);
}

/* ---- one: gather ------------------------------------------------------------------------ */

static weir_status gather(struct zeebe_settings *s, const struct args *args, weir_error *err)
{
    for (size_t i = 0; i < ZEEBE_SETTINGS; i++) {
        weir_status status = setting_find(&s->at[i], args, known[i].group, known[i].name, err);
        if (status != WEIR_OK)
            return status;
    }
    return WEIR_OK;
}

/* ---- two: as whom ----------------------------------------------------------------------- */

/* --cluster-id beats an address of the environment, as any flag does; of one origin the address
 * holds, because many environments of Camunda SaaS set both. */
static weir_status decide_cluster(const struct zeebe_settings *s, bool *cluster, weir_error *err)
{
    enum setting_from address = stronger(from(s, ZEEBE_ADDRESS), from(s, ZEEBE_HOST));
    enum setting_from id = from(s, ZEEBE_CLUSTER_ID);
    *cluster = id > address;
    if (id == FROM_FLAG && address == FROM_FLAG)
        return contradict("--cluster-id",
                          from(s, ZEEBE_ADDRESS) == FROM_FLAG ? "--address" : "--host", err);
    return WEIR_OK;
}

static bool uses_key(const struct zeebe_settings *s)
{
    const char *how = zeebe_setting_text(s, ZEEBE_CLIENT_AUTH);
    return how && strcmp(how, "private-key-jwt") == 0;
}

/* Both of id and secret (or key), or neither. */
static weir_status check_pair(const struct zeebe_settings *s, weir_error *err)
{
    enum zeebe_setting proof = uses_key(s) ? ZEEBE_PRIVATE_KEY : ZEEBE_CLIENT_SECRET;
    if (!zeebe_setting_text(s, ZEEBE_CLIENT_ID))
        return fail_set(err, WEIR_MISSING,
                        "the client id is missing: set CAMUNDA_CLIENT_ID or ZEEBE_CLIENT_ID, or "
                        "give --client-id");
    if (zeebe_setting_text(s, proof))
        return WEIR_OK;
    if (uses_key(s))
        return fail_set(err, WEIR_MISSING,
                        "the client's private key is missing: give --private-key FILE, or set "
                        "OAUTH_PRIVATE_KEY");
    return fail_set(err, WEIR_MISSING,
                    "the client secret is missing: set CAMUNDA_CLIENT_SECRET or "
                    "ZEEBE_CLIENT_SECRET (or CAMUNDA_CLIENT_SECRET_FILE, a file's path)");
}

/* The variable that --token-env names. */
static weir_status read_token(struct zeebe_settings *s, weir_error *err)
{
    const char *name = zeebe_setting_text(s, ZEEBE_TOKEN_ENV);
    if (!name)
        return WEIR_OK;
    setting_free(&s->at[ZEEBE_ACCESS_TOKEN]);
    weir_status status = setting_find_variable(&s->at[ZEEBE_ACCESS_TOKEN], name, err);
    if (status == WEIR_OK && !zeebe_setting_text(s, ZEEBE_ACCESS_TOKEN))
        return fail_set(err, WEIR_MISSING, "--token-env names the variable %s, which is not set",
                        name);
    return status;
}

static weir_status decide_login(struct zeebe_settings *s, bool cluster, weir_error *err)
{
    enum setting_from client = stronger(from(s, ZEEBE_CLIENT_ID), from(s, ZEEBE_CLIENT_SECRET));
    bool token_named = from(s, ZEEBE_TOKEN_ENV) == FROM_FLAG;
    if (token_named && client == FROM_FLAG)
        return contradict("--token-env", "--client-id", err);
    if (client != FROM_NOWHERE && !token_named) {
        s->login = cluster ? LOGIN_CLOUD : LOGIN_OAUTH2;
        return check_pair(s, err);
    }
    if (token_named || from(s, ZEEBE_ACCESS_TOKEN) != FROM_NOWHERE) {
        s->login = LOGIN_TOKEN;
        return read_token(s, err);
    }
    s->login = cluster ? LOGIN_CLOUD : LOGIN_NONE;
    return cluster ? check_pair(s, err) : WEIR_OK;
}

/* ---- three: where ----------------------------------------------------------------------- */

static weir_status use_cluster(struct zeebe_settings *s, weir_error *err)
{
    setting_default(&s->at[ZEEBE_REGION], SAAS_REGION, "default");
    const char *region = zeebe_setting_text(s, ZEEBE_REGION);
    char *address = weir_setting_camunda_address(s->at[ZEEBE_CLUSTER_ID].value,
                                                 region ? region : SAAS_REGION, err);
    if (!address)
        return err->status;
    enum setting_from origin = s->at[ZEEBE_CLUSTER_ID].from;
    for (size_t i = ZEEBE_ADDRESS; i <= ZEEBE_PORT; i++)
        setting_free(&s->at[i]);
    setting_default(&s->at[ZEEBE_ADDRESS], address, s->at[ZEEBE_CLUSTER_ID].where);
    s->at[ZEEBE_ADDRESS].from = origin;
    s->gateway.scheme = SCHEME_TLS; /* settled by the address's origin, as a scheme would be */
    weir_free(address);
    return WEIR_OK;
}

/* --host and --port replace parts of the address; their variables do so only to an address that is
 * no flag. */
static weir_status replace_parts(struct zeebe_settings *s, weir_error *err)
{
    struct endpoint part;
    enum setting_from address = from(s, ZEEBE_ADDRESS);
    enum zeebe_setting first = from(s, ZEEBE_HOST) ? ZEEBE_HOST : ZEEBE_PORT;
    if (*s->gateway.opaque && from(s, first) >= address)
        return fail_set(err, WEIR_INVALID, "%s cannot replace a part of the address \"%s\"",
                        s->at[first].where, s->gateway.opaque);
    if (from(s, ZEEBE_HOST) >= address && from(s, ZEEBE_HOST) != FROM_NOWHERE) {
        const struct setting *host = &s->at[ZEEBE_HOST];
        if (endpoint_parse(&part, host->value, host->where, err) != WEIR_OK)
            return err->status;
        if (part.port || part.scheme != SCHEME_NONE)
            return fail_set(err, WEIR_INVALID, "%s: \"%s\" is more than a host", host->where,
                            host->value);
        memcpy(s->gateway.host, part.host, sizeof part.host);
    }
    const struct setting *port = &s->at[ZEEBE_PORT];
    if (from(s, ZEEBE_PORT) < address || from(s, ZEEBE_PORT) == FROM_NOWHERE)
        return WEIR_OK;
    s->gateway.port = endpoint_port(port->value);
    if (s->gateway.port == 0)
        return fail_set(err, WEIR_INVALID, "%s: \"%s\" is no port from 1 to 65535", port->where,
                        port->value);
    return WEIR_OK;
}

static weir_status find_gateway(struct zeebe_settings *s, bool cluster, weir_error *err)
{
    if (cluster && use_cluster(s, err) != WEIR_OK)
        return err->status;
    enum endpoint_scheme settled = s->gateway.scheme;
    const struct setting *address = &s->at[ZEEBE_ADDRESS];
    const char *text = address->value ? address->value : "localhost";
    const char *what = address->value ? address->where : "--address";
    if (endpoint_parse(&s->gateway, text, what, err) != WEIR_OK ||
        (!cluster && replace_parts(s, err) != WEIR_OK))
        return err->status;
    if (s->gateway.port == 0)
        s->gateway.port = s->gateway.scheme == SCHEME_TLS ? 443 : 26500;
    if (settled != SCHEME_NONE)
        s->gateway.scheme = settled;
    endpoint_target(&s->gateway, s->target);
    setting_default(&s->at[ZEEBE_ADDRESS], s->target, "default");
    return WEIR_OK;
}

/* ---- four: TLS -------------------------------------------------------------------------- */

/* One side of the question, and the strongest setting that is for it. */
struct side {
    enum setting_from from;
    const char *where;
};

static void take_side(struct side *side, const struct setting *setting)
{
    if (!setting->value || !*setting->value || setting->from <= side->from)
        return;
    side->from = setting->from;
    side->where = setting->where;
}

static void take_sides(const struct zeebe_settings *s, struct side *plain, struct side *tls)
{
    static const enum zeebe_setting for_tls[] = {ZEEBE_CERT_PATH, ZEEBE_CLIENT_CERT,
                                                 ZEEBE_CLIENT_KEY};
    const struct setting *insecure = &s->at[ZEEBE_INSECURE];
    take_side(setting_switch(insecure, false) ? plain : tls, insecure);
    if (s->gateway.scheme == SCHEME_PLAIN)
        take_side(plain, &s->at[ZEEBE_ADDRESS]);
    if (s->gateway.scheme == SCHEME_TLS)
        take_side(tls, &s->at[ZEEBE_ADDRESS]);
    for (size_t i = 0; i < sizeof for_tls / sizeof *for_tls; i++)
        take_side(tls, &s->at[for_tls[i]]);
}

static weir_status decide_tls(struct zeebe_settings *s, weir_error *err)
{
    struct side plain = {0}, tls = {0};
    take_sides(s, &plain, &tls);
    if (plain.from != FROM_NOWHERE && plain.from == tls.from)
        return contradict(plain.where, tls.where, err);
    if (plain.from == FROM_NOWHERE && tls.from == FROM_NOWHERE) {
        bool loopback = endpoint_is_local(&s->gateway);
        s->tls = !loopback || from(s, ZEEBE_CA_FILE) == FROM_FLAG;
        (void)snprintf(s->tls_why, sizeof s->tls_why, "%s",
                       s->tls ? (loopback ? "--ca-file" : "default") : "loopback");
        return WEIR_OK;
    }
    s->tls = tls.from > plain.from;
    (void)snprintf(s->tls_why, sizeof s->tls_why, "%s", s->tls ? tls.where : plain.where);
    return WEIR_OK;
}

/* ---- the rest --------------------------------------------------------------------------- */

static weir_status default_login(struct zeebe_settings *s, weir_error *err)
{
    bool cloud = s->login == LOGIN_CLOUD;
    bool saas = endpoint_is_under(s->gateway.host, SAAS_DOMAIN);
    if (saas || cloud)
        setting_default(&s->at[ZEEBE_AUTHZ_URL], SAAS_TOKEN_URL, "default");
    if (!zeebe_setting_text(s, ZEEBE_AUTHZ_URL))
        return fail_set(err, WEIR_MISSING,
                        "the token endpoint is missing: set CAMUNDA_OAUTH_URL or "
                        "ZEEBE_AUTHORIZATION_SERVER_URL, or give --authz-url");
    if (cloud)
        setting_default(&s->at[ZEEBE_AUDIENCE], SAAS_DOMAIN, "default");
    else if (saas)
        setting_default(&s->at[ZEEBE_AUDIENCE], s->gateway.host, "the address's host");
    setting_default(&s->at[ZEEBE_CLIENT_AUTH], "body", "default");
    setting_default(&s->at[ZEEBE_LEEWAY], "60s", "default");
    login_default_cache(&s->at[ZEEBE_CACHE]);
    return login_check_exposed(zeebe_setting_text(s, ZEEBE_AUTHZ_URL),
                               setting_switch(&s->at[ZEEBE_ALLOW_PLAINTEXT], false), err);
}

static weir_status check_exposed(const struct zeebe_settings *s, weir_error *err)
{
    if (s->login == LOGIN_NONE || s->tls || endpoint_is_local(&s->gateway) ||
        setting_switch(&s->at[ZEEBE_ALLOW_PLAINTEXT], false))
        return WEIR_OK;
    return fail_set(err, WEIR_UNSUPPORTED,
                    "a token would go to %s without TLS (%s): use TLS, or accept that others can "
                    "read it with --allow-plaintext",
                    s->target, s->tls_why);
}

static weir_status check_client_cert(const struct zeebe_settings *s, weir_error *err)
{
    if (zeebe_setting_text(s, ZEEBE_CLIENT_CERT) && !zeebe_setting_text(s, ZEEBE_CLIENT_KEY))
        return fail_set(err, WEIR_MISSING, "--client-cert needs --client-key, its private key");
    return WEIR_OK;
}

static void warn_of_secret(const struct zeebe_settings *s)
{
    if (from(s, ZEEBE_CLIENT_SECRET) == FROM_FLAG)
        login_warn_of_secret();
}

weir_status zeebe_login_find(struct zeebe_settings *out, const struct args *args, weir_error *err)
{
    bool cluster = false;
    *out = (struct zeebe_settings){0};
    if (gather(out, args, err) != WEIR_OK)
        return err->status;
    warn_of_secret(out);
    setting_default(&out->at[ZEEBE_KEEPALIVE], "45s", "default");
    if (decide_cluster(out, &cluster, err) != WEIR_OK ||
        find_gateway(out, cluster, err) != WEIR_OK || decide_login(out, cluster, err) != WEIR_OK)
        return err->status;
    bool oauth2 = out->login == LOGIN_OAUTH2 || out->login == LOGIN_CLOUD;
    return oauth2 ? default_login(out, err) : WEIR_OK;
}

weir_status zeebe_settings_find(struct zeebe_settings *out, const struct args *args,
                                weir_error *err)
{
    if (zeebe_login_find(out, args, err) != WEIR_OK || decide_tls(out, err) != WEIR_OK ||
        check_client_cert(out, err) != WEIR_OK)
        return err->status;
    return check_exposed(out, err);
}

void zeebe_settings_free(struct zeebe_settings *settings)
{
    for (size_t i = 0; i < ZEEBE_SETTINGS; i++)
        setting_free(&settings->at[i]);
}
