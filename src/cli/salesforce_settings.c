/* The settings of `weir salesforce`. The program finds every value itself, so that it knows where
 * it came from, and hands all of them to the library; which grant they make is the library's
 * choice, unless --grant takes the others away. */
#include "cli/salesforce_settings.h"

#include <string.h>

#include "cli/fail.h"
#include "cli/groups.h"
#include "cli/login.h"
#include "cli/option_names.h"
#include "cli/salesforce_flags.h"
#include "cli/session.h"

static const struct {
    const struct flag_group *group;
    const char *name;
} rows[SALESFORCE_SETTINGS] = {
    [SALESFORCE_LOGIN_URL] = {&group_salesforce_login, "login-url"},
    [SALESFORCE_CLIENT_ID] = {&group_salesforce_login, "client-id"},
    [SALESFORCE_USERNAME] = {&group_salesforce_login, "username"},
    [SALESFORCE_PRIVATE_KEY] = {&group_salesforce_login, "private-key"},
    [SALESFORCE_AUDIENCE] = {&group_salesforce_login, "audience"},
    [SALESFORCE_INSTANCE_URL] = {&group_salesforce_login, "instance-url"},
    [SALESFORCE_API_VERSION] = {&group_salesforce_login, "api-version"},
    [SALESFORCE_CLIENT_SECRET] = {&group_salesforce_login, "client-secret"},
    [SALESFORCE_PASSWORD] = {&group_salesforce_login, "password"},
    [SALESFORCE_SECURITY_TOKEN] = {&group_salesforce_login, "security-token"},
    [SALESFORCE_REFRESH_TOKEN] = {&group_salesforce_login, "refresh-token"},
    [SALESFORCE_ACCESS_TOKEN] = {&group_salesforce_login, "access-token"},
    [SALESFORCE_CACHE] = {&group_cache, "cache"},
    [SALESFORCE_CA_FILE] = {&group_network, "ca-file"},
    [SALESFORCE_PROXY] = {&group_network, "proxy"},
    [SALESFORCE_ALLOW_PLAINTEXT] = {&group_network, "allow-plaintext"},
};

const char *salesforce_setting_text(const struct salesforce_settings *settings,
                                    enum salesforce_setting which)
{
    const char *value = settings->at[which].value;
    return value && *value ? value : NULL;
}

/* ---- finding ------------------------------------------------------------------------------- */

/* --login-url, --sandbox, SALESFORCE_LOGIN_URL, the default. */
static weir_status settle_login_url(struct salesforce_settings *s, const struct args *args,
                                    weir_error *err)
{
    struct setting *url = &s->at[SALESFORCE_LOGIN_URL];
    bool sandbox = args_switch(args, "sandbox");
    if (sandbox && url->from == FROM_FLAG)
        return fail_set(err, WEIR_UNSUPPORTED,
                        "--sandbox and --login-url contradict each other: give one of them");
    if (sandbox)
        setting_free(url);
    setting_default(url, sandbox ? "https://test.salesforce.com" : "https://login.salesforce.com",
                    sandbox ? "--sandbox" : "default");
    return WEIR_OK;
}

struct need {
    const char *grant;
    enum salesforce_setting first, second;
};

/* What the library would not miss: it would choose another grant. */
static weir_status check_grant(const struct salesforce_settings *s, weir_error *err)
{
    static const struct need needs[] = {
        {"refresh-token", SALESFORCE_REFRESH_TOKEN, SALESFORCE_REFRESH_TOKEN},
        {"jwt-bearer", SALESFORCE_PRIVATE_KEY, SALESFORCE_USERNAME},
        {"password", SALESFORCE_USERNAME, SALESFORCE_PASSWORD}};
    for (size_t i = 0; s->grant && i < sizeof needs / sizeof *needs; i++) {
        if (strcmp(s->grant, needs[i].grant) != 0)
            continue;
        bool first = salesforce_setting_text(s, needs[i].first) != NULL;
        const char *name = rows[first ? needs[i].second : needs[i].first].name;
        if (first && salesforce_setting_text(s, needs[i].second))
            continue;
        const struct flag *flag = group_salesforce_login.flags;
        while (strcmp(flag->name, name) != 0)
            flag++;
        return fail_set(err, WEIR_MISSING, "--grant %s: the %s is missing: set %s%s%s", s->grant,
                        name, flag->env, flag->kind == FLAG_VARIABLE ? "" : " or give --",
                        flag->kind == FLAG_VARIABLE ? "" : name);
    }
    return WEIR_OK;
}

weir_status salesforce_settings_find(struct salesforce_settings *out, const struct args *args,
                                     weir_error *err)
{
    *out = (struct salesforce_settings){.grant = args_text(args, "grant")};
    for (size_t i = 0; i < SALESFORCE_SETTINGS; i++)
        if (setting_find(&out->at[i], args, rows[i].group, rows[i].name, err) != WEIR_OK)
            return err->status;
    login_default_cache(&out->at[SALESFORCE_CACHE]);
    if (settle_login_url(out, args, err) != WEIR_OK || check_grant(out, err) != WEIR_OK)
        return err->status;
    return login_check_exposed(salesforce_setting_text(out, SALESFORCE_LOGIN_URL),
                               salesforce_plaintext(out), err);
}

void salesforce_settings_free(struct salesforce_settings *settings)
{
    for (size_t i = 0; i < SALESFORCE_SETTINGS; i++)
        setting_free(&settings->at[i]);
}

const weir_tls_options *salesforce_tls(struct salesforce_settings *settings)
{
    const char *file = salesforce_setting_text(settings, SALESFORCE_CA_FILE);
    settings->tls =
        (weir_tls_options){.struct_size = sizeof settings->tls, .root_certificates_file = file};
    return file ? &settings->tls : NULL;
}

bool salesforce_plaintext(const struct salesforce_settings *settings)
{
    return setting_switch(&settings->at[SALESFORCE_ALLOW_PLAINTEXT], false);
}

/* ---- opening ------------------------------------------------------------------------------- */

/* On a thread of the library. */
static void warn_of_loss(const char *refresh_token, void *user)
{
    (void)refresh_token;
    (void)user;
    session_warn("auth", "the server has replaced the refresh token, and without a token cache the "
                         "new one is lost: give --cache FILE");
}

/* Not set is left out: the library need not look where we have looked. */
static const char *or_omit(const struct salesforce_settings *s, enum salesforce_setting which)
{
    const char *value = salesforce_setting_text(s, which);
    return value ? value : WEIR_OMIT;
}

/* In the library's order of choice: what stands before the grant is taken away. */
static void keep_grant(const char *grant, weir_salesforce_login *login)
{
    static const char *const order[] = {"refresh-token", "jwt-bearer", "password",
                                        "client-credentials"};
    size_t at = 0;
    while (grant && at < 3 && strcmp(order[at], grant) != 0)
        at++;
    if (grant)
        login->access_token = WEIR_OMIT;
    if (grant && at > 0)
        login->refresh_token = WEIR_OMIT;
    if (grant && at > 1)
        login->private_key = login->private_key_file = WEIR_OMIT;
    if (grant && at > 2)
        login->username = login->password = WEIR_OMIT;
}

/* A variable holds the text or names a file; a flag names one. */
static void set_key(const struct salesforce_settings *s, weir_salesforce_login *login)
{
    const struct setting *key = &s->at[SALESFORCE_PRIVATE_KEY];
    bool text = key->value && key->from == FROM_ENVIRONMENT && strstr(key->value, "-----BEGIN");
    login->private_key = text ? key->value : WEIR_OMIT;
    login->private_key_file = text ? WEIR_OMIT : or_omit(s, SALESFORCE_PRIVATE_KEY);
}

void salesforce_name_settings(const struct salesforce_settings *s, weir_error *err)
{
    const struct setting *at = s->at;
    const struct option_name called[] = {
        {"weir_credentials_salesforce: ", ""},
        {"weir_salesforce_open: ", ""},
        {"login_url", at[SALESFORCE_LOGIN_URL].where},
        {"client_id", at[SALESFORCE_CLIENT_ID].value ? at[SALESFORCE_CLIENT_ID].where : NULL},
        {"private_key_file",
         at[SALESFORCE_PRIVATE_KEY].value ? at[SALESFORCE_PRIVATE_KEY].where : NULL},
        {"private_key", at[SALESFORCE_PRIVATE_KEY].value ? at[SALESFORCE_PRIVATE_KEY].where : NULL},
        {"instance_url",
         at[SALESFORCE_INSTANCE_URL].value ? at[SALESFORCE_INSTANCE_URL].where : NULL},
        {"api_version", at[SALESFORCE_API_VERSION].value ? at[SALESFORCE_API_VERSION].where : NULL},
        {"audience", at[SALESFORCE_AUDIENCE].value ? at[SALESFORCE_AUDIENCE].where : NULL},
        {"proxy", at[SALESFORCE_PROXY].value ? at[SALESFORCE_PROXY].where : NULL},
        {"cache_file", at[SALESFORCE_CACHE].where},
        {NULL, NULL}};
    option_names_replace(err, called);
}

weir_credentials *salesforce_credentials(struct salesforce_settings *s, weir_error *err)
{
    const char *cache = salesforce_setting_text(s, SALESFORCE_CACHE);
    bool cached = cache && strcmp(cache, "none") != 0;
    weir_salesforce_login login = {
        .struct_size = sizeof login,
        .login_url = salesforce_setting_text(s, SALESFORCE_LOGIN_URL),
        .client_id = or_omit(s, SALESFORCE_CLIENT_ID),
        .client_secret = or_omit(s, SALESFORCE_CLIENT_SECRET),
        .username = or_omit(s, SALESFORCE_USERNAME),
        .password = or_omit(s, SALESFORCE_PASSWORD),
        .security_token = or_omit(s, SALESFORCE_SECURITY_TOKEN),
        .refresh_token = or_omit(s, SALESFORCE_REFRESH_TOKEN),
        .audience = or_omit(s, SALESFORCE_AUDIENCE),
        .access_token = or_omit(s, SALESFORCE_ACCESS_TOKEN),
        .instance_url = or_omit(s, SALESFORCE_INSTANCE_URL),
        .cache_file = cached ? cache : WEIR_OMIT,
        .tls = salesforce_tls(s),
        .proxy = salesforce_setting_text(s, SALESFORCE_PROXY),
        .allow_plaintext = salesforce_plaintext(s),
        .on_refresh_token = cached ? NULL : warn_of_loss,
    };
    set_key(s, &login);
    keep_grant(s->grant, &login);
    weir_credentials *credentials = weir_credentials_salesforce(&login, err);
    if (!credentials)
        salesforce_name_settings(s, err);
    return credentials;
}

/* A variable with an instance is for a ready token; of the others the login says it. */
void salesforce_options(struct salesforce_settings *s, weir_credentials *credentials,
                        weir_salesforce_options *out)
{
    const struct setting *instance = &s->at[SALESFORCE_INSTANCE_URL];
    bool ready = salesforce_setting_text(s, SALESFORCE_ACCESS_TOKEN) && !s->grant;
    *out = (weir_salesforce_options){
        .struct_size = sizeof *out,
        .credentials = credentials,
        .instance_url = ready || instance->from == FROM_FLAG ? instance->value : NULL,
        .api_version = salesforce_setting_text(s, SALESFORCE_API_VERSION),
        .tls = salesforce_tls(s),
        .proxy = salesforce_setting_text(s, SALESFORCE_PROXY),
        .allow_plaintext = salesforce_plaintext(s),
    };
}
