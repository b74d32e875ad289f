/* `weir token`: an access token for other programs. Which one is decided by three sources of
 * settings that end in the same place, the options of weir_credentials_oauth2(). */
#include "cli/token.h"

#include <inttypes.h>
#include <string.h>

#include "cli/commands.h"
#include "cli/fail.h"
#include "cli/groups.h"
#include "cli/login.h"
#include "cli/out.h"
#include "cli/session.h"
#include "cli/value.h"
#include "cli/zeebe_open.h"

/* ---- printing ---------------------------------------------------------------------------- */

static void add_member(struct str *out, const char *name, const char *value)
{
    if (!value)
        return;
    str_addf(out, "%s\"%s\":", out->len > 1 ? "," : "", name);
    str_add_json(out, value);
}

static void add_number(struct str *out, const char *name, int64_t value)
{
    str_addf(out, "%s\"%s\":%" PRId64, out->len > 1 ? "," : "", name, value);
}

/* A ready token comes from neither cache nor server and has no known end. */
static void add_info(struct str *out, const weir_token *token, const char *instance_url)
{
    const char *field = weir_token_field(token, "instance_url");
    int64_t expires_at = weir_token_expires_at(token);
    bool ready = expires_at == INT64_MAX;
    int64_t left = ready ? 0 : expires_at - session_now();
    add_member(out, "token_type", weir_token_type(token));
    if (!ready) {
        add_number(out, "expires_in", left > 0 ? left : 0);
        add_number(out, "expires_at", expires_at);
    }
    add_member(out, "scope", weir_token_field(token, "scope"));
    add_member(out, "instance_url", *instance_url ? instance_url : field);
    if (!ready)
        add_member(out, "from", weir_token_from_cache(token) ? "cache" : "server");
}

static void show_json(struct str *out, const struct args *args, const weir_token *token,
                      const char *instance_url)
{
    str_add(out, "{");
    if (args_switch(args, "header")) {
        struct str value = {0};
        str_addf(&value, "%s %s", weir_token_type(token), weir_token_value(token));
        add_member(out, "Authorization", value.data);
        str_free(&value);
    } else {
        if (!args_switch(args, "info"))
            add_member(out, "access_token", weir_token_value(token));
        add_info(out, token, instance_url);
    }
    str_add(out, "}\n");
}

static void show(const struct args *args, const weir_token *token, const char *instance_url)
{
    struct str text = {0};
    if (session_json(args) || args_switch(args, "info"))
        show_json(&text, args, token, instance_url);
    else if (args_switch(args, "header"))
        str_addf(&text, "Authorization: %s %s\n", weir_token_type(token), weir_token_value(token));
    else
        str_addf(&text, "%s\n", weir_token_value(token));
    out_add(text.data);
    out_flush();
    str_free(&text);
}

/* ---- whose ---------------------------------------------------------------------------------- */

static weir_credentials *zeebe_login(const struct args *args, weir_error *err)
{
    struct zeebe_settings settings;
    weir_credentials *credentials = NULL;
    weir_status status = zeebe_login_find(&settings, args, err);
    if (status == WEIR_OK && settings.login == LOGIN_NONE)
        (void)fail_set(err, WEIR_MISSING,
                       "there is nobody to log in as: set CAMUNDA_CLIENT_ID and "
                       "CAMUNDA_CLIENT_SECRET (or ZEEBE_CLIENT_ID and ZEEBE_CLIENT_SECRET), or "
                       "WEIR_ACCESS_TOKEN");
    else if (status == WEIR_OK)
        credentials = cli_zeebe_credentials(&settings, session_timeout(args), err);
    zeebe_settings_free(&settings);
    return credentials;
}

static weir_credentials *open_login(const struct args *args, struct str *instance_url,
                                    weir_error *err)
{
    const char *who = args_text(args, "for");
    if (!who)
        return token_general(args, err);
    return strcmp(who, "zeebe") == 0 ? zeebe_login(args, err)
                                     : token_salesforce(args, instance_url, err);
}

/* Flags that mean something only with some values of --for ("": without it). */
static const struct {
    const char *flag, *with;
} limited[] = {
    {"token-url", "|salesforce"}, {"grant", "|salesforce"}, {"username", "|salesforce"},
    {"subject", "|salesforce"},   {"param", "|"},           {"login-url", "salesforce"},
    {"sandbox", "salesforce"},    {"address", "zeebe"},     {"cluster-id", "zeebe"},
    {"region", "zeebe"},          {"authz-url", "zeebe"},   {"token-env", "zeebe"},
};

/* A flag that would do nothing is a mistake. */
static const char *useless_flag(const struct args *args)
{
    const char *who = args_text(args, "for");
    for (size_t i = 0; i < sizeof limited / sizeof *limited; i++)
        if (args_has(args, limited[i].flag) && !value_is_choice(who ? who : "", limited[i].with))
            return limited[i].flag;
    return NULL;
}

int token_print(const struct args *args, weir_credentials *credentials, const char *instance_url,
                weir_error *err)
{
    weir_ms limit = session_timeout(args);
    weir_token *token = NULL;
    if (credentials)
        token = args_switch(args, "refresh") ? weir_credentials_refresh(credentials, limit, err)
                                             : weir_credentials_token(credentials, limit, err);
    if (token)
        show(args, token, instance_url);
    weir_token_free(token);
    return err->status == WEIR_OK ? 0 : fail_with(err);
}

int token_check_form(const struct args *args)
{
    if (args_switch(args, "header") && args_switch(args, "info"))
        return fail_usage("--header and --info contradict each other: give one of them");
    return 0;
}

int token_run(const struct args *args)
{
    const char *useless = useless_flag(args), *who = args_text(args, "for");
    if (useless)
        return fail_usage("--%s does nothing with%s%s; see weir token --help", useless,
                          who ? " --for " : "out --for", who ? who : "");
    weir_error err = {0};
    struct str instance_url = {0};
    int status = token_check_form(args);
    if (status)
        return status;
    weir_credentials *credentials = open_login(args, &instance_url, &err);
    status = token_print(args, credentials, str_text(&instance_url), &err);
    str_free(&instance_url);
    weir_credentials_free(credentials);
    return status;
}
