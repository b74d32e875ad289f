/* One call to log in: settings that are given, then those of the environment, then the grant that
 * fits what is there. What is given decides before what the environment has: a program that passes
 * a password does not want the ready token that happens to be exported.
 *
 * Salesforce never says how long a token lives (the session timeout of the organisation: two hours
 * unless somebody changed it, and use extends it). Two hours are assumed; a token that is refused
 * earlier is replaced then. */
#include "salesforce/login.h"

#include "core/error.h"
#include "core/mem.h"
#include "core/options.h"
#include "core/secret.h"

#include <string.h>
#include <weir/salesforce.h>

#define LOGIN_URL    "https://login.salesforce.com"
#define SANDBOX_URL  "https://test.salesforce.com"
#define TOKEN_PATH   "/services/oauth2/token"
#define EXPIRES_IN_S 7200

enum text {
    LOGIN_URL_TEXT,
    CLIENT_ID,
    CLIENT_SECRET,
    USERNAME,
    PASSWORD,
    SECURITY_TOKEN,
    REFRESH_TOKEN,
    PRIVATE_KEY,
    AUDIENCE,
    ACCESS_TOKEN,
    INSTANCE_URL,
    TEXTS
};

static const struct {
    const char *variable;
    bool secret; /* NAME_FILE counts, too */
} texts[TEXTS] = {
    [LOGIN_URL_TEXT] = {"SALESFORCE_LOGIN_URL", false},
    [CLIENT_ID] = {"SALESFORCE_CLIENT_ID", false},
    [CLIENT_SECRET] = {"SALESFORCE_CLIENT_SECRET", true},
    [USERNAME] = {"SALESFORCE_USERNAME", false},
    [PASSWORD] = {"SALESFORCE_PASSWORD", true},
    [SECURITY_TOKEN] = {"SALESFORCE_SECURITY_TOKEN", true},
    [REFRESH_TOKEN] = {"SALESFORCE_REFRESH_TOKEN", true},
    [PRIVATE_KEY] = {"SALESFORCE_PRIVATE_KEY", true},
    [AUDIENCE] = {"SALESFORCE_AUDIENCE", false},
    [ACCESS_TOKEN] = {"SALESFORCE_ACCESS_TOKEN", true},
    [INSTANCE_URL] = {"SALESFORCE_INSTANCE_URL", false},
};

struct login {
    weir_salesforce_login o;
    weir_oauth2_options oauth2;
    char *at[TEXTS]; /* copies, wiped when freed; NULL: nowhere */
    const char *key_file;
    char *url, *token_url, *password;
};

/* ---- what is there ----------------------------------------------------------------------- */

static const char *variable(enum text which)
{
    return options_env(texts[which].variable, (char *)NULL);
}

static weir_status find(struct login *l, enum text which, const char *given, weir_error *err)
{
    if (given == WEIR_OMIT)
        return WEIR_OK;
    if (given && *given)
        l->at[which] = mem_strdup(given);
    else if (texts[which].secret)
        return options_secret_env(texts[which].variable, &l->at[which], err);
    else
        l->at[which] = mem_strdup(variable(which));
    bool wanted = (given && *given) || variable(which);
    return wanted && !l->at[which] ? error_no_memory(err) : WEIR_OK;
}

static weir_status find_all(struct login *l, weir_error *err)
{
    const weir_salesforce_login *o = &l->o;
    const char *given[TEXTS] = {
        [LOGIN_URL_TEXT] = o->sandbox ? WEIR_OMIT : o->login_url,
        [CLIENT_ID] = o->client_id,
        [CLIENT_SECRET] = o->client_secret,
        [USERNAME] = o->username,
        [PASSWORD] = o->password,
        [SECURITY_TOKEN] = o->security_token,
        [REFRESH_TOKEN] = o->refresh_token,
        [PRIVATE_KEY] = options_text(o->private_key_file) ? WEIR_OMIT : o->private_key,
        [AUDIENCE] = o->audience,
        [ACCESS_TOKEN] = o->access_token,
        [INSTANCE_URL] = o->instance_url,
    };
    weir_status status = WEIR_OK;
    for (int which = 0; which < TEXTS && status == WEIR_OK; which++)
        status = find(l, (enum text)which, given[which], err);
    if (status != WEIR_OK)
        return status;
    l->key_file = options_text(o->private_key_file);
    if (l->at[PRIVATE_KEY] && !options_text(o->private_key) &&
        !strstr(l->at[PRIVATE_KEY], "-----BEGIN"))
        l->key_file = l->at[PRIVATE_KEY]; /* the variable may name a file */
    return WEIR_OK;
}

static weir_status find_urls(struct login *l, weir_error *err)
{
    const char *url = l->at[LOGIN_URL_TEXT];
    if (l->o.sandbox && options_text(l->o.login_url))
        return error_set(err, WEIR_INVALID,
                         "weir_credentials_salesforce: sandbox and login_url contradict each "
                         "other: give one of them");
    if (!url)
        url = l->o.sandbox ? SANDBOX_URL : LOGIN_URL;
    size_t len = strlen(url);
    while (len > 0 && url[len - 1] == '/')
        len--;
    struct buf token_url = BUF_INIT((size_t)64 * 1024);
    buf_add(&token_url, url, len);
    buf_adds(&token_url, TOKEN_PATH);
    l->url = mem_dup(url, len);
    l->token_url = token_url.data;
    return l->url && l->token_url ? WEIR_OK : error_no_memory(err);
}

/* ---- the grant --------------------------------------------------------------------------- */

static bool has_key(const struct login *l)
{
    return l->key_file || l->at[PRIVATE_KEY];
}

/* By what the program gave; then by what there is at all. */
static weir_grant choose(const struct login *l)
{
    const weir_salesforce_login *o = &l->o;
    if (options_text(o->refresh_token))
        return WEIR_GRANT_REFRESH_TOKEN;
    if (options_text(o->private_key) || options_text(o->private_key_file))
        return WEIR_GRANT_JWT_BEARER;
    if (options_text(o->password))
        return WEIR_GRANT_PASSWORD;
    if (l->at[REFRESH_TOKEN])
        return WEIR_GRANT_REFRESH_TOKEN;
    if (has_key(l))
        return WEIR_GRANT_JWT_BEARER;
    if (l->at[USERNAME] && l->at[PASSWORD])
        return WEIR_GRANT_PASSWORD;
    return WEIR_GRANT_CLIENT_CREDENTIALS;
}

static bool is_ready(const struct login *l)
{
    const weir_salesforce_login *o = &l->o;
    bool other = options_text(o->refresh_token) || options_text(o->private_key) ||
                 options_text(o->private_key_file) || options_text(o->password);
    return l->at[ACCESS_TOKEN] && !options_text(o->grant) &&
           (options_text(o->access_token) || !other);
}

static weir_status read_grant(const struct login *l, weir_grant *grant, weir_error *err)
{
    static const struct {
        const char *name;
        weir_grant grant;
    } names[] = {{"client-credentials", WEIR_GRANT_CLIENT_CREDENTIALS},
                 {"password", WEIR_GRANT_PASSWORD},
                 {"refresh-token", WEIR_GRANT_REFRESH_TOKEN},
                 {"jwt-bearer", WEIR_GRANT_JWT_BEARER}};
    const char *name = options_text(l->o.grant);
    *grant = choose(l);
    if (!name)
        return WEIR_OK;
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        *grant = names[i].grant;
        if (strcmp(name, names[i].name) == 0)
            return WEIR_OK;
    }
    return error_set(err, WEIR_INVALID,
                     "weir_credentials_salesforce: grant '%s' is none of client-credentials, "
                     "password, refresh-token and jwt-bearer",
                     name);
}

static weir_status missing(weir_error *err, const char *what, const char *variable)
{
    return error_set(err, WEIR_MISSING,
                     "weir_credentials_salesforce: %s is missing: give it, or set %s", what,
                     variable);
}

#define BIT(grant) (1u << (grant))
#define EVERY      (~0u)

static const struct need {
    unsigned grants;
    enum text text;
    const char *name;
} needs[] = {
    {EVERY, CLIENT_ID, "client_id"},
    {BIT(WEIR_GRANT_REFRESH_TOKEN), REFRESH_TOKEN, "refresh_token"},
    {BIT(WEIR_GRANT_JWT_BEARER), PRIVATE_KEY, "private_key"},
    {BIT(WEIR_GRANT_JWT_BEARER) | BIT(WEIR_GRANT_PASSWORD), USERNAME, "username"},
    {BIT(WEIR_GRANT_PASSWORD), PASSWORD, "password"},
    {BIT(WEIR_GRANT_CLIENT_CREDENTIALS), CLIENT_SECRET, "client_secret"},
};

/* What stands in for a text that is not there. */
static bool has_instead(const struct login *l, enum text text)
{
    if (text == PRIVATE_KEY)
        return l->key_file != NULL;
    if (text == USERNAME)
        return options_text(l->oauth2.subject) != NULL;
    return text == CLIENT_SECRET && l->oauth2.client_auth == WEIR_CLIENT_AUTH_PRIVATE_KEY_JWT;
}

static weir_status check(const struct login *l, weir_grant grant, weir_error *err)
{
    for (size_t i = 0; i < sizeof needs / sizeof *needs; i++) {
        const struct need *need = &needs[i];
        bool needed = (need->grants & BIT(grant)) != 0;
        if (needed && !l->at[need->text] && !has_instead(l, need->text))
            return missing(err, need->name, texts[need->text].variable);
    }
    return WEIR_OK;
}

/* ---- opening ----------------------------------------------------------------------------- */

static weir_status append_security_token(struct login *l, weir_error *err)
{
    const char *token = l->at[SECURITY_TOKEN] ? l->at[SECURITY_TOKEN] : "";
    size_t len = strlen(l->at[PASSWORD]), more = strlen(token);
    l->password = mem_zalloc(len + more + 1); /* as large as it will be: no copy is left behind */
    if (!l->password)
        return error_no_memory(err);
    memcpy(l->password, l->at[PASSWORD], len);
    memcpy(l->password + len, token, more);
    return WEIR_OK;
}

static void set_key(struct login *l, weir_grant grant)
{
    bool needed =
        grant == WEIR_GRANT_JWT_BEARER || l->oauth2.client_auth == WEIR_CLIENT_AUTH_PRIVATE_KEY_JWT;
    if (needed && l->key_file)
        l->oauth2.private_key_file = l->key_file;
    else if (needed && l->at[PRIVATE_KEY])
        l->oauth2.private_key = l->at[PRIVATE_KEY];
}

/* What the login says beats what `more` says. */
static void set_texts(struct login *l)
{
    weir_oauth2_options *o = &l->oauth2;
    o->struct_size = sizeof *o;
    o->token_url = options_text(o->token_url) ? o->token_url : l->token_url;
    o->client_id = l->at[CLIENT_ID];
    o->client_secret = l->at[CLIENT_SECRET];
    o->username = l->at[USERNAME];
    o->password = l->password;
    o->refresh_token = l->at[REFRESH_TOKEN];
    o->assertion_audience = l->at[AUDIENCE] ? l->at[AUDIENCE] : l->url;
}

static void set_others(struct login *l)
{
    const weir_salesforce_login *from = &l->o;
    weir_oauth2_options *o = &l->oauth2;
    o->expires_in_s = o->expires_in_s ? o->expires_in_s : EXPIRES_IN_S;
    o->cache_file = from->cache_file ? from->cache_file : o->cache_file;
    o->timeout = from->timeout ? from->timeout : o->timeout;
    o->tls = from->tls ? from->tls : o->tls;
    o->proxy = from->proxy ? from->proxy : o->proxy;
    o->allow_plaintext = o->allow_plaintext || from->allow_plaintext;
    if (from->on_refresh_token) {
        o->on_refresh_token = from->on_refresh_token;
        o->user = from->user;
    }
}

static weir_credentials *open_grant(struct login *l, weir_error *err)
{
    weir_grant grant;
    if (read_grant(l, &grant, err) != WEIR_OK || check(l, grant, err) != WEIR_OK)
        return NULL;
    if (grant == WEIR_GRANT_PASSWORD && append_security_token(l, err) != WEIR_OK)
        return NULL;
    l->oauth2.grant = grant;
    set_texts(l);
    set_others(l);
    set_key(l, grant);
    return credentials_oauth2(&l->oauth2, login_advice, err);
}

static weir_credentials *open_ready(const struct login *l, weir_error *err)
{
    const weir_param fields[] = {{"instance_url", l->at[INSTANCE_URL]}, {NULL, NULL}};
    if (l->at[INSTANCE_URL])
        return credentials_fixed(l->at[ACCESS_TOKEN], fields, err);
    (void)missing(err, "instance_url, which goes with a ready access token,",
                  "SALESFORCE_INSTANCE_URL");
    return NULL;
}

static void clear(struct login *l)
{
    for (int i = 0; i < TEXTS; i++)
        secret_free_text(l->at[i]);
    secret_free_text(l->password);
    mem_free(l->url);
    mem_free(l->token_url);
}

weir_credentials *weir_credentials_salesforce(const weir_salesforce_login *o, weir_error *err)
{
    struct login l = {0};
    weir_error why = {0};
    weir_error *e = err ? err : &why;
    weir_credentials *credentials = NULL;
    if (error_held(e))
        return NULL;
    if (options_read(&l.o, sizeof l.o, o, "WEIR_SALESFORCE_LOGIN", e) == WEIR_OK &&
        options_read(&l.oauth2, sizeof l.oauth2, l.o.more, "WEIR_OAUTH2", e) == WEIR_OK &&
        find_all(&l, e) == WEIR_OK && find_urls(&l, e) == WEIR_OK)
        credentials = is_ready(&l) ? open_ready(&l, e) : open_grant(&l, e);
    clear(&l);
    return credentials;
}
