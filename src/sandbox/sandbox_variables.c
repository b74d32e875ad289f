#include "core/error.h"
#include "sandbox/sandbox_private.h"
#include "sandbox/token_salesforce.h"

#include <stdio.h>

static void add_zeebe(struct sandbox *s, bool tls)
{
    struct settings *v = &s->settings;
    unsigned port = s->ports[ZEEBE].number;
    /* A loopback address without a scheme means plaintext; a scheme says it without a doubt. */
    settings_add(v, "ZEEBE_ADDRESS", "%s127.0.0.1:%u", tls ? "grpcs://" : "", port);
    settings_add(v, "ZEEBE_INSECURE_CONNECTION", "%s", tls ? "false" : "true");
    if (tls)
        settings_add(v, "ZEEBE_CA_CERTIFICATE_PATH", "%s", settings_get(v, "WEIR_CA_FILE"));
}

static void add_oauth(struct sandbox *s, bool tls)
{
    static const char *const variables[][3] = {
        {"CAMUNDA_OAUTH_URL", "CAMUNDA_CLIENT_ID", "CAMUNDA_CLIENT_SECRET"},
        {"OAUTH_TOKEN_URL", "OAUTH_CLIENT_ID", "OAUTH_CLIENT_SECRET"},
    };
    for (size_t i = s->wanted[ZEEBE] ? 0 : 1; i < 2; i++) {
        settings_add(&s->settings, variables[i][0], "%s://127.0.0.1:%u" OAUTH_PATH,
                     tls ? "https" : "http", (unsigned)s->ports[OAUTH].number);
        settings_add(&s->settings, variables[i][1], "%s", TOKEN_CLIENT_ID);
        settings_add(&s->settings, variables[i][2], "%s", TOKEN_CLIENT_SECRET);
    }
    /* For the other grants; without OAUTH_GRANT they change nothing. */
    settings_add(&s->settings, "OAUTH_USERNAME", "%s", TOKEN_USERNAME);
    settings_add(&s->settings, "OAUTH_PASSWORD", "%s", TOKEN_PASSWORD);
    settings_add(&s->settings, "OAUTH_REFRESH_TOKEN", "%s", TOKEN_REFRESH_TOKEN);
    settings_add(&s->settings, "OAUTH_PRIVATE_KEY", "%s/" KEY_FILE, s->folder);
}

/* By name, because cookies of a numeric host are dropped by some clients. */
static void add_salesforce(struct sandbox *s, bool tls)
{
    char url[64];
    (void)snprintf(url, sizeof url, "%s://localhost:%u", tls ? "https" : "http",
                   (unsigned)s->ports[SALESFORCE].number);
    settings_add(&s->settings, "SALESFORCE_LOGIN_URL", "%s", url);
    settings_add(&s->settings, "SALESFORCE_CLIENT_ID", "%s", TOKEN_CLIENT_ID);
    settings_add(&s->settings, "SALESFORCE_CLIENT_SECRET", "%s", TOKEN_CLIENT_SECRET);
    settings_add(&s->settings, "SALESFORCE_USERNAME", "%s", SALESFORCE_USERNAME);
    settings_add(&s->settings, "SALESFORCE_PASSWORD", "%s", SALESFORCE_PASSWORD);
    settings_add(&s->settings, "SALESFORCE_SECURITY_TOKEN", "%s", SALESFORCE_SECURITY_TOKEN);
    settings_add(&s->settings, "WEIR_SANDBOX_SALESFORCE_KEY", "%s/" SALESFORCE_KEY_FILE, s->folder);
    settings_add(&s->settings, "WEIR_SANDBOX_SALESFORCE_REFRESH_TOKEN", "%s",
                 SALESFORCE_REFRESH_TOKEN);
    settings_add(&s->settings, "WEIR_BAYEUX_URL", "%s" BAYEUX_PATH, url);
}

weir_status sandbox_make_settings(struct sandbox *s, bool tls, weir_error *err)
{
    if (s->wanted[ZEEBE])
        add_zeebe(s, tls);
    if (s->wanted[OAUTH])
        add_oauth(s, tls);
    if (s->wanted[SALESFORCE])
        add_salesforce(s, tls);
    if (s->common.tokens)
        settings_add(&s->settings, "WEIR_TOKEN_CACHE", "%s/credentials", s->folder);
    settings_add(&s->settings, "WEIR_SANDBOX", "%s", control_url(s->control));
    return s->settings.failed ? error_no_memory(err) : error_ok(err);
}
