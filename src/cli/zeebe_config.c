/* `weir zeebe config`: the resolved settings and where each came from. It connects to nothing.
 * What is missing or contradictory is said after what was found, with its status. */
#include <stdlib.h>
#include <string.h>

#include "cli/commands.h"
#include "cli/fail.h"
#include "cli/out.h"
#include "cli/session.h"
#include "cli/zeebe_settings.h"

struct row {
    const char *name, *value, *where;
};

static void add_row(struct str *out, const struct row *row, bool json)
{
    if (!json) {
        str_addf(out, "%-16s %s  (%s)\n", row->name, row->value, row->where);
        return;
    }
    str_add(out, out->len ? ",\n  " : "{\n  ");
    str_add_json(out, row->name);
    str_add(out, ": {\"value\": ");
    str_add_json(out, row->value);
    str_add(out, ", \"from\": ");
    str_add_json(out, row->where);
    str_add(out, "}");
}

static void add_setting(struct str *out, const struct zeebe_settings *s, enum zeebe_setting which,
                        bool json)
{
    const struct setting *setting = &s->at[which];
    char shown[512];
    if (!setting->value)
        return;
    endpoint_redact(setting->value, shown, sizeof shown);
    const char *value = setting->secret && *setting->value ? "***" : shown;
    add_row(out, &(struct row){zeebe_setting_name(which), value, setting->where}, json);
}

/* A key's file is no secret, unlike a key's text. */
static void add_key(struct str *out, const struct zeebe_settings *s, bool json)
{
    const struct setting *key = &s->at[ZEEBE_PRIVATE_KEY];
    if (key->value && key->from == FROM_FLAG)
        add_row(out, &(struct row){"private-key", key->value, key->where}, json);
    else
        add_setting(out, s, ZEEBE_PRIVATE_KEY, json);
}

static void add_environment(struct str *out, bool json)
{
    static const char *const variables[] = {"https_proxy", "HTTPS_PROXY", "http_proxy",
                                            "HTTP_PROXY",  "all_proxy",   "ALL_PROXY",
                                            "no_proxy",    "NO_PROXY"};
    for (size_t i = 0; i < sizeof variables / sizeof *variables; i++) {
        const char *value = getenv(variables[i]);
        char shown[512];
        if (!value || !*value)
            continue;
        endpoint_redact(value, shown, sizeof shown);
        add_row(out, &(struct row){variables[i], shown, "environment"}, json);
    }
}

static void add_options(struct str *out, const struct args *args, bool json)
{
    const char *option;
    struct str all = {0};
    for (size_t i = 0; (option = args_each(args, "channel-option", i)); i++)
        str_addf(&all, "%s%s", i ? " " : "", option);
    if (all.len)
        add_row(out, &(struct row){"channel-option", all.data, "--channel-option"}, json);
    str_free(&all);
}

/* As replace_parts() of zeebe_settings.c has it. */
static bool replaces(const struct zeebe_settings *s, enum zeebe_setting part)
{
    return s->at[part].from != FROM_NOWHERE && s->at[part].from >= s->at[ZEEBE_ADDRESS].from;
}

static void say_origins(struct str *out, const struct zeebe_settings *s)
{
    bool host = replaces(s, ZEEBE_HOST), port = replaces(s, ZEEBE_PORT);
    if (host)
        str_add(out, s->at[ZEEBE_HOST].where);
    if (!host || !port)
        str_addf(out, "%s%s", host ? ", " : "", s->at[ZEEBE_ADDRESS].where);
    if (port)
        str_addf(out, ", %s", s->at[ZEEBE_PORT].where);
}

static void add_resolved(struct str *out, const struct zeebe_settings *s, bool json)
{
    struct str origins = {0};
    say_origins(&origins, s);
    add_row(out, &(struct row){"gateway", s->target, str_text(&origins)}, json);
    str_free(&origins);
    add_row(out, &(struct row){"tls", s->tls ? "on" : "off", s->tls_why}, json);
    add_row(out, &(struct row){"login", zeebe_login_name(s->login), "resolved"}, json);
}

int zeebe_config_run(const struct args *args)
{
    weir_error err = {0};
    struct zeebe_settings settings;
    struct str text = {0};
    bool json = session_json(args);
    if (zeebe_settings_find(&settings, args, &err) == WEIR_OK)
        add_resolved(&text, &settings, json);
    for (size_t i = 0; i < ZEEBE_SETTINGS; i++) {
        if (i == ZEEBE_PRIVATE_KEY)
            add_key(&text, &settings, json);
        else
            add_setting(&text, &settings, (enum zeebe_setting)i, json);
    }
    add_options(&text, args, json);
    add_environment(&text, json);
    out_add(text.len ? text.data : json ? "{" : "");
    out_add(json ? "\n}\n" : "");
    out_flush();
    str_free(&text);
    zeebe_settings_free(&settings);
    return err.status == WEIR_OK ? 0 : fail_with(&err);
}
