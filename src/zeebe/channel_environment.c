/* Whichever channel the environment describes: what the command line does without flags. Three
 * questions in this order: where, whether with TLS, as whom. Two variables that cannot both hold
 * are refused, never weighed. */
#include "zeebe/channel_environment.h"

#include "core/error.h"
#include "core/mem.h"
#include "core/options.h"
#include "core/secret.h"
#include "core/text.h"
#include "core/url.h"

#include <string.h>
#include <weir/settings.h>

void environment_clear(struct environment *e)
{
    gateway_clear(&e->gateway);
    login_clear(&e->login);
    secret_free_text(e->token);
}

/* ---- values ------------------------------------------------------------------------------ */

enum answer { UNSET = 0, NO, YES };

static weir_status read_switch(const char *name, enum answer *out, weir_error *err)
{
    static const struct {
        const char *text;
        enum answer answer;
    } known[] = {{"true", YES}, {"1", YES}, {"yes", YES}, {"on", YES},
                 {"false", NO}, {"0", NO},  {"no", NO},   {"off", NO}};
    const char *value = options_env(name, (char *)NULL);
    *out = UNSET;
    for (size_t i = 0; value && i < sizeof known / sizeof *known; i++) {
        if (text_equal_nocase(value, known[i].text))
            *out = known[i].answer;
    }
    if (!value || *out != UNSET)
        return WEIR_OK;
    return error_set(err, WEIR_INVALID, "%s: '%.40s' is neither true nor false", name, value);
}

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

/* "90", "1.5", ".5" in thousandths, digits beyond them dropped; false: no number, or no sane one.
 */
static bool take_decimal(const char **at, int64_t *thousandths)
{
    const char *start = *at;
    int64_t value = 0;
    for (; is_digit(**at) && value <= INT32_MAX; (*at)++)
        value = value * 10 + (**at - '0');
    value *= 1000;
    if (**at == '.' && is_digit((*at)[1]))
        for (int64_t scale = 100; is_digit(*++*at); scale /= 10)
            value += (**at - '0') * scale;
    *thousandths = value;
    return *at > start && value / 1000 <= INT32_MAX;
}

/* The next part of "1m30s". */
static bool duration_part(const char **at, weir_ms *sum)
{
    static const struct {
        const char *unit;
        weir_ms ms;
    } units[] = {{"ms", 1}, {"s", 1000}, {"m", 60000}, {"h", 3600000}};
    int64_t number = 0;
    if (!take_decimal(at, &number))
        return false;
    size_t letters = strspn(*at, "hms");
    for (size_t i = 0; i < sizeof units / sizeof *units; i++) {
        if (letters == strlen(units[i].unit) && strncmp(*at, units[i].unit, letters) == 0) {
            *sum += (number * units[i].ms + 999) / 1000;
            *at += letters;
            return true;
        }
    }
    return false;
}

/* A number alone is milliseconds. */
static bool bare_number(const char *text, weir_ms *out)
{
    int64_t number = 0;
    bool good = take_decimal(&text, &number) && !*text;
    *out = good ? (number + 999) / 1000 : 0;
    return good;
}

static weir_status read_duration(const char *name, weir_ms *out, weir_error *err)
{
    const char *value = options_env(name, (char *)NULL);
    const char *at = value;
    *out = 0;
    if (!value || (bare_number(value, out) && *out <= INT32_MAX))
        return WEIR_OK;
    bool ok = true;
    while (ok && *at)
        ok = duration_part(&at, out);
    if (ok && *out <= INT32_MAX)
        return WEIR_OK;
    return error_set(err, WEIR_INVALID, "%s: '%.40s' is no duration such as 45s or 45000", name,
                     value);
}

/* ---- where ------------------------------------------------------------------------------- */

static weir_status read_port(uint16_t *port, weir_error *err)
{
    const char *value = options_env("ZEEBE_PORT", (char *)NULL);
    int64_t number = 0;
    if (value && !text_number(value, 1, 65535, &number))
        return error_set(err, WEIR_INVALID, "ZEEBE_PORT: '%.40s' is no port from 1 to 65535",
                         value);
    *port = (uint16_t)number;
    return WEIR_OK;
}

static weir_status find_cluster(struct environment *e, const char *cluster, weir_error *err)
{
    const char *region = weir_setting_cluster_region(SAAS_REGION, NULL);
    weir_error why = {0};
    char *address = weir_setting_camunda_address(cluster, region, &why);
    weir_status status = address ? gateway_parse(&e->gateway, address, "CAMUNDA_CLUSTER_ID", err)
                                 : error_copy(err, &why);
    e->gateway.security = GATEWAY_TLS;
    mem_free(address);
    return status;
}

static weir_status find_gateway(struct environment *e, weir_error *err)
{
    const char *address = options_env("ZEEBE_ADDRESS", "ZEEBE_GRPC_ADDRESS", (char *)NULL);
    const char *host = options_env("ZEEBE_HOST", (char *)NULL);
    const char *cluster = options_env("CAMUNDA_CLUSTER_ID", (char *)NULL);
    uint16_t port = 0;
    e->cluster = cluster && !address && !host;
    if (e->cluster)
        return find_cluster(e, cluster, err);
    weir_status status = read_port(&port, err);
    if (status == WEIR_OK)
        status = gateway_parse(&e->gateway, address ? address : "localhost",
                               options_env("ZEEBE_ADDRESS", (char *)NULL) ? "ZEEBE_ADDRESS"
                                                                          : "ZEEBE_GRPC_ADDRESS",
                               err);
    if (status == WEIR_OK && (host || port))
        status = gateway_replace(&e->gateway, host, port, host ? "ZEEBE_HOST" : "ZEEBE_PORT", err);
    return status;
}

/* ---- with TLS? --------------------------------------------------------------------------- */

/* What speaks for plaintext, and what for TLS; NULL: nothing. */
static void take_sides(const struct environment *e, enum answer insecure, const char **plain,
                       const char **tls)
{
    const char *where = e->cluster ? "CAMUNDA_CLUSTER_ID" : "the address's scheme";
    *plain = insecure == YES ? "ZEEBE_INSECURE_CONNECTION=true" : NULL;
    *tls = insecure == NO ? "ZEEBE_INSECURE_CONNECTION=false" : NULL;
    if (options_env("ZEEBE_CA_CERTIFICATE_PATH", (char *)NULL))
        *tls = "ZEEBE_CA_CERTIFICATE_PATH";
    if (e->gateway.security == GATEWAY_PLAINTEXT)
        *plain = where;
    if (e->gateway.security == GATEWAY_TLS)
        *tls = where;
}

static weir_status decide_tls(struct environment *e, weir_error *err)
{
    enum answer insecure;
    const char *plain, *tls;
    weir_status status = read_switch("ZEEBE_INSECURE_CONNECTION", &insecure, err);
    if (status != WEIR_OK)
        return status;
    take_sides(e, insecure, &plain, &tls);
    if (plain && tls)
        return error_set(err, WEIR_UNSUPPORTED, "%s and %s contradict each other", plain, tls);
    e->plaintext = plain || (!tls && e->gateway.local);
    return WEIR_OK;
}

/* ---- as whom ----------------------------------------------------------------------------- */

static weir_status find_login(struct environment *e, weir_error *err)
{
    weir_status status = login_find(&e->login, NULL, NULL, err);
    if (status != WEIR_OK)
        return status;
    if (e->login.client_id || e->login.client_secret)
        return login_complete(&e->login, true, err);
    status = options_secret_env("WEIR_ACCESS_TOKEN", &e->token, err);
    if (status == WEIR_OK && !options_text(e->token) && e->cluster)
        return login_complete(&e->login, true, err);
    return status;
}

static const char *cache_file(void)
{
    const char *path = options_env("WEIR_TOKEN_CACHE", "CAMUNDA_CLIENT_CONFIG_PATH",
                                   "ZEEBE_CLIENT_CONFIG_PATH", (char *)NULL);
    return path && strcmp(path, "none") != 0 ? path : NULL;
}

static weir_credentials *credentials_of(const struct environment *e, weir_error *err)
{
    const char *roots = options_env("WEIR_CA_FILE", (char *)NULL);
    const weir_tls_options tls = {.struct_size = sizeof tls, .root_certificates_file = roots};
    if (!e->login.client_id)
        return weir_credentials_fixed(e->token, err);
    const weir_oauth2_channel_options o = {
        .struct_size = sizeof o,
        .token_tls = roots ? &tls : NULL,
        .cache_file = cache_file(),
        .authorization_server = e->cluster ? weir_setting_oauth_url(SAAS_TOKEN_URL, NULL) : NULL,
        .audience = e->cluster ? weir_setting_token_audience(SAAS_DOMAIN, NULL) : NULL,
        .allow_plaintext_credentials = e->allow_plaintext,
    };
    return login_credentials(&e->login, &o, &e->gateway, err);
}

/* ---- the channel ------------------------------------------------------------------------- */

weir_status environment_find(struct environment *e, weir_error *err)
{
    *e = (struct environment){.cluster = false};
    enum answer allow = UNSET;
    weir_status status = find_gateway(e, err);
    if (status == WEIR_OK)
        status = decide_tls(e, err);
    if (status == WEIR_OK)
        status = read_switch("WEIR_ALLOW_PLAINTEXT", &allow, err);
    if (status == WEIR_OK)
        status = read_duration("ZEEBE_KEEP_ALIVE", &e->keepalive, err);
    e->allow_plaintext = allow == YES;
    return status == WEIR_OK ? find_login(e, err) : status;
}

/* Another authority than the address is what the certificate is for, too; it names no port. */
static char *authority_host(const char *authority)
{
    char *host = NULL;
    uint16_t port = 0;
    if (authority && hostport_parse(authority, 443, "ZEEBE_OVERRIDE_AUTHORITY", &host, &port, NULL))
        return NULL; /* whoever reads it as an authority will say what is wrong with it */
    return host;
}

static weir_channel *open_it(const struct environment *e, const char *server_name, weir_error *err)
{
    const char *roots = options_env("ZEEBE_CA_CERTIFICATE_PATH", "WEIR_CA_FILE", (char *)NULL);
    const weir_tls_options tls = {.struct_size = sizeof tls, .root_certificates_file = roots};
    struct channel_plan plan = {
        .gateway = &e->gateway,
        .plaintext = e->plaintext,
        .allow_plaintext_credentials = e->allow_plaintext,
        .tls = e->plaintext ? NULL : &tls,
        .authority = options_env("ZEEBE_OVERRIDE_AUTHORITY", (char *)NULL),
        .server_name = server_name,
        .keepalive = e->keepalive,
    };
    bool login = e->login.client_id || options_text(e->token);
    if (login && channel_check_exposure(&plan, err) != WEIR_OK)
        return NULL;
    plan.credentials = login ? credentials_of(e, err) : NULL;
    if (login && !plan.credentials)
        return NULL;
    weir_channel *channel = channel_open(&plan, err);
    weir_credentials_free(plan.credentials);
    return channel;
}

weir_channel *weir_channel_from_environment(weir_error *err)
{
    struct environment e;
    if (!loop_may_open(err))
        return NULL;
    char *server_name = authority_host(options_env("ZEEBE_OVERRIDE_AUTHORITY", (char *)NULL));
    weir_channel *channel =
        environment_find(&e, err) == WEIR_OK ? open_it(&e, server_name, err) : NULL;
    mem_free(server_name);
    environment_clear(&e);
    return channel;
}
