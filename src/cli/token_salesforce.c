/* `weir token --for salesforce`: the grant is chosen by what is there, in the order of the guide:
 * a ready token, a refresh token, a private key, a password, else client credentials. The library
 * could read the same variables; it is told here what they say, so that what is missing is named
 * with its flag. */
#include <string.h>

#include "cli/fail.h"
#include "cli/groups.h"
#include "cli/token.h"
#include "cli/token_settings.h"

#include <weir/salesforce.h>

#define TOKEN_PATH "/services/oauth2/token"

struct salesforce {
    struct token_settings grant;
    struct setting login_url, access_token, instance_url, security_token;
};

static weir_status find_settings(struct salesforce *s, const struct args *args, weir_error *err)
{
    const struct flag_group *group = &group_salesforce;
    *s = (struct salesforce){0};
    if (token_settings_find(&s->grant, args, group, err) != WEIR_OK ||
        setting_find(&s->login_url, args, group, "login-url", err) != WEIR_OK ||
        setting_find(&s->access_token, args, group, "access-token", err) != WEIR_OK ||
        setting_find(&s->instance_url, args, group, "instance-url", err) != WEIR_OK)
        return err->status;
    return setting_find(&s->security_token, args, group, "security-token", err);
}

static void free_settings(struct salesforce *s)
{
    token_settings_free(&s->grant);
    setting_free(&s->login_url);
    setting_free(&s->access_token);
    setting_free(&s->instance_url);
    setting_free(&s->security_token);
}

/* --login-url, --sandbox, SALESFORCE_LOGIN_URL, the default; then the token endpoint below it,
 * unless --token-url names another. */
static weir_status find_login(struct salesforce *s, const struct args *args, weir_error *err)
{
    bool sandbox = args_switch(args, "sandbox");
    if (sandbox && s->login_url.from == FROM_FLAG)
        return fail_set(err, WEIR_UNSUPPORTED,
                        "--sandbox and --login-url contradict each other: give one of them");
    if (sandbox)
        setting_free(&s->login_url);
    setting_default(&s->login_url,
                    sandbox ? "https://test.salesforce.com" : "https://login.salesforce.com",
                    sandbox ? "--sandbox" : "default");
    struct str url = {0};
    str_add(&url, s->login_url.value);
    while (url.len > 0 && url.data[url.len - 1] == '/')
        url.data[--url.len] = '\0';
    char where[sizeof s->login_url.where];
    memcpy(where, s->login_url.where, sizeof where);
    setting_free(&s->login_url);
    setting_default(&s->login_url, url.data, where);
    str_add(&url, TOKEN_PATH);
    setting_default(&s->grant.at[GRANT_TOKEN_URL], url.data, where);
    str_free(&url);
    return WEIR_OK;
}

static weir_grant choose(const struct salesforce *s)
{
    const struct token_settings *grant = &s->grant;
    if (token_setting_text(grant, GRANT_GRANT))
        return token_grant_by_name(token_setting_text(grant, GRANT_GRANT));
    if (token_setting_text(grant, GRANT_REFRESH_TOKEN))
        return WEIR_GRANT_REFRESH_TOKEN;
    if (token_setting_text(grant, GRANT_PRIVATE_KEY))
        return WEIR_GRANT_JWT_BEARER;
    if (token_setting_text(grant, GRANT_USERNAME) && token_setting_text(grant, GRANT_PASSWORD))
        return WEIR_GRANT_PASSWORD;
    return WEIR_GRANT_CLIENT_CREDENTIALS;
}

/* ---- opening ----------------------------------------------------------------------------- */

static bool has_ready(const struct salesforce *s)
{
    return s->access_token.value && *s->access_token.value &&
           !token_setting_text(&s->grant, GRANT_GRANT);
}

static weir_credentials *open_ready(const struct salesforce *s, struct str *instance_url,
                                    weir_error *err)
{
    if (!s->instance_url.value || !*s->instance_url.value) {
        (void)fail_set(err, WEIR_MISSING,
                       "SALESFORCE_ACCESS_TOKEN goes with SALESFORCE_INSTANCE_URL, which is not "
                       "set");
        return NULL;
    }
    str_add(instance_url, s->instance_url.value);
    return weir_credentials_salesforce(WEIR_SALESFORCE_LOGIN(.access_token = s->access_token.value,
                                                             .instance_url = s->instance_url.value),
                                       err);
}

static const char *grant_name(weir_grant kind)
{
    static const char *const names[] = {
        [WEIR_GRANT_CLIENT_CREDENTIALS] = "client-credentials",
        [WEIR_GRANT_PASSWORD] = "password",
        [WEIR_GRANT_REFRESH_TOKEN] = "refresh-token",
        [WEIR_GRANT_JWT_BEARER] = "jwt-bearer",
    };
    return names[kind];
}

/* What is not set here is set nowhere: the environment has been asked. */
static const char *or_omit(const char *text)
{
    return text && *text ? text : WEIR_OMIT;
}

static weir_credentials *open_grant(struct salesforce *s, weir_error *err)
{
    weir_grant kind = choose(s);
    const struct token_settings *grant = &s->grant;
    if (token_settings_check(grant, kind, &group_salesforce, err) != WEIR_OK)
        return NULL;
    weir_oauth2_options more = {0};
    token_settings_fill(grant, kind, &more);
    weir_credentials *credentials = weir_credentials_salesforce(
        WEIR_SALESFORCE_LOGIN(.grant = grant_name(kind), .login_url = s->login_url.value,
                              .client_id = or_omit(more.client_id),
                              .client_secret = or_omit(more.client_secret),
                              .username = or_omit(more.username),
                              .password = or_omit(more.password),
                              .security_token = or_omit(s->security_token.value),
                              .refresh_token = or_omit(more.refresh_token),
                              .private_key = or_omit(more.private_key),
                              .private_key_file = more.private_key_file,
                              .audience = or_omit(token_setting_text(grant, GRANT_AUDIENCE)),
                              .access_token = WEIR_OMIT, .instance_url = WEIR_OMIT,
                              .on_refresh_token = more.on_refresh_token, .more = &more),
        err);
    if (!credentials)
        token_settings_name(grant, err);
    return credentials;
}

weir_credentials *token_salesforce(const struct args *args, struct str *instance_url,
                                   weir_error *err)
{
    struct salesforce s;
    weir_credentials *credentials = NULL;
    if (find_settings(&s, args, err) == WEIR_OK && find_login(&s, args, err) == WEIR_OK)
        credentials = has_ready(&s) ? open_ready(&s, instance_url, err) : open_grant(&s, err);
    free_settings(&s);
    return credentials;
}
