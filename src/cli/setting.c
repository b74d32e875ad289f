/* Where values come from. Order: flag, then the variables as the table lists them. */
#include "cli/setting.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/fail.h"
#include "cli/file.h"
#include "cli/groups.h"
#include "cli/salesforce_flags.h"
#include "cli/value.h"

#define LARGEST_SETTING (256 * 1024) /* no secret, key or token is near that */

static const struct flag *find(const struct flag_group *group, const char *name)
{
    for (const struct flag *flag = group->flags; flag->name; flag++)
        if (strcmp(flag->name, name) == 0)
            return flag;
    return NULL;
}

static void take(struct setting *out, const char *value, enum setting_from from, const char *where)
{
    out->value = copy_or_exit(value, strlen(value));
    out->from = from;
    (void)snprintf(out->where, sizeof out->where, "%s", where);
}

static weir_status check_file(const char *variable, const char *path, const char *text, size_t len,
                              weir_error *err)
{
    if (len > LARGEST_SETTING)
        return fail_set(err, WEIR_INVALID, "%s: %s is larger than %d KiB", variable, path,
                        LARGEST_SETTING / 1024);
    if (memchr(text, '\0', len))
        return fail_set(err, WEIR_INVALID, "%s: %s holds a NUL byte; it should be text", variable,
                        path);
    return WEIR_OK;
}

/* The text of NAME_FILE's file without its final newline; false: not set, or unreadable (*err). */
static bool take_file(struct setting *out, const char *variable, weir_error *err)
{
    char name[80];
    (void)snprintf(name, sizeof name, "%s_FILE", variable);
    const char *path = getenv(name);
    if (!path || !*path)
        return false;
    size_t len = 0;
    char *text = cli_read_file(path, &len, err);
    if (!text) {
        char message[512];
        (void)snprintf(message, sizeof message, "%.500s", err->message);
        (void)snprintf(err->message, sizeof err->message, "%s: %s", name, message);
        return false;
    }
    bool fits = check_file(name, path, text, len, err) == WEIR_OK;
    if (fits) {
        size_t end = len;
        end -= end > 0 && text[end - 1] == '\n';
        end -= end > 0 && text[end - 1] == '\r';
        text[end] = '\0';
        take(out, text, FROM_ENVIRONMENT, name);
    }
    explicit_bzero(text, len);
    release_memory(text);
    return fits;
}

static weir_status check(const struct setting *setting, const struct flag *flag, weir_error *err)
{
    const char *wrong = flag_check(flag, setting->value);
    if (!wrong)
        return WEIR_OK;
    bool choice = flag->kind == FLAG_CHOICE;
    return fail_set(err, WEIR_INVALID, "%s: \"%s\" %s%s%s", setting->where, setting->value, wrong,
                    choice ? " " : "", choice ? flag->value : "");
}

weir_status setting_find(struct setting *out, const struct args *args,
                         const struct flag_group *group, const char *name, weir_error *err)
{
    const struct flag *flag = find(group, name);
    *out = (struct setting){.secret = flag->secret};
    const char *given = args_text(args, name);
    char variable[72];
    if (given) {
        (void)snprintf(variable, sizeof variable, "--%s", name);
        take(out, given, FROM_FLAG, variable);
        return WEIR_OK;
    }
    for (size_t i = 0; flag_variable(flag, i, variable); i++) {
        const char *value = getenv(variable);
        if (value && *value) {
            take(out, value, FROM_ENVIRONMENT, variable);
            return check(out, flag, err);
        }
        if ((flag->secret || flag->from_file) && take_file(out, variable, err))
            return WEIR_OK;
        if (err->status != WEIR_OK)
            return err->status;
    }
    return WEIR_OK;
}

weir_status setting_find_variable(struct setting *out, const char *variable, weir_error *err)
{
    *out = (struct setting){.secret = true};
    const char *value = getenv(variable);
    if (value && *value)
        take(out, value, FROM_ENVIRONMENT, variable);
    else
        (void)take_file(out, variable, err);
    return err->status;
}

void setting_default(struct setting *setting, const char *value, const char *where)
{
    if (!setting->value)
        take(setting, value, FROM_DEFAULT, where);
}

void setting_free(struct setting *setting)
{
    if (setting->value)
        explicit_bzero(setting->value, strlen(setting->value));
    release_memory(setting->value);
    *setting = (struct setting){0};
}

bool setting_switch(const struct setting *setting, bool otherwise)
{
    bool on = otherwise;
    if (setting->value)
        (void)value_switch(setting->value, &on);
    return on;
}

weir_ms setting_duration(const struct setting *setting, weir_ms otherwise)
{
    weir_ms ms = otherwise;
    if (setting->value)
        (void)value_duration(setting->value, &ms);
    return ms;
}

static void forget(const struct flag *flag)
{
    char variable[64], file[80];
    for (size_t i = 0; flag_variable(flag, i, variable); i++) {
        (void)snprintf(file, sizeof file, "%s_FILE", variable);
        (void)unsetenv(variable);
        (void)unsetenv(file);
    }
}

static const struct flag_group *const with_secrets[] = {&group_login,
                                                        &group_grant,
                                                        &group_token_zeebe,
                                                        &group_salesforce,
                                                        &group_salesforce_login,
                                                        &group_salesforce_store};

#define WITH_SECRETS (sizeof with_secrets / sizeof *with_secrets)

static bool is_variable(const char *name, const char *variable)
{
    size_t len = strlen(variable);
    return strncmp(name, variable, len) == 0 &&
           (name[len] == '\0' || strcmp(name + len, "_FILE") == 0);
}

static bool is_variable_of(const char *name, const struct flag *flag)
{
    char variable[64];
    for (size_t i = 0; flag_variable(flag, i, variable); i++)
        if (is_variable(name, variable))
            return true;
    return false;
}

bool setting_is_secret(const char *variable, const char *also)
{
    for (size_t i = 0; i < WITH_SECRETS; i++)
        for (const struct flag *flag = with_secrets[i]->flags; flag->name; flag++)
            if (flag->secret && is_variable_of(variable, flag))
                return true;
    return also && *also && is_variable(variable, also);
}

void setting_forget_secrets(const char *also)
{
    for (size_t i = 0; i < WITH_SECRETS; i++)
        for (const struct flag *flag = with_secrets[i]->flags; flag->name; flag++)
            if (flag->secret)
                forget(flag);
    if (also)
        (void)unsetenv(also);
}
