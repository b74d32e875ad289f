/* `weir salesforce listen`: a handle of the library as the source of a listener. */
#include <stdlib.h>
#include <string.h>

#include "cli/commands.h"
#include "cli/fail.h"
#include "cli/listen.h"
#include "cli/option_names.h"
#include "cli/salesforce_flags.h"
#include "cli/salesforce_open.h"
#include "cli/session.h"

struct salesforce_listen {
    struct listen_options options;
    struct salesforce_settings settings;
    struct setting store;
    struct listen *listen;
    weir_salesforce *handle;
};

/* ---- the handle, as a listener asks for it --------------------------------------------------- */

/* What the library calls on_gap is a flag here. */
static weir_status in_flags(weir_status status, weir_error *err)
{
    static const struct option_name called[] = {{"on_gap", "--on-gap"}, {NULL, NULL}};
    if (status == WEIR_GAP)
        option_names_replace(err, called);
    return status;
}

static weir_status subscribe(void *handle, const struct listen_channel *channel, weir_error *err)
{
    return in_flags(
        weir_salesforce_subscribe(handle, channel->name, channel->from, WEIR_FOREVER, err), err);
}

static weir_status take(void *handle, weir_event **events, size_t room, size_t *count,
                        weir_error *err)
{
    return in_flags(weir_salesforce_take(handle, events, room, count, WEIR_NO_WAIT, err), err);
}

static weir_status ack(void *handle, weir_event *const *events, size_t count, weir_error *err)
{
    return weir_salesforce_ack_all(handle, events, count, err);
}

static void told(weir_session_news news, const char *channel, const weir_error *why, void *user)
{
    weir_error said = {0};
    if (why) {
        said = *why;
        (void)in_flags(said.status, &said);
    }
    listen_news(news, channel, why ? &said : NULL, user);
}

static weir_status end(void *handle, weir_error *err)
{
    return weir_salesforce_wait(handle, WEIR_NO_WAIT, err);
}

static int fd(void *handle)
{
    return weir_salesforce_fd(handle);
}

static void stop(void *handle)
{
    weir_salesforce_stop(handle);
}

/* ---- the store ---------------------------------------------------------------------------------
 */

static bool has_password(const char *url)
{
    const char *host = strstr(url, "://");
    const char *at = host ? strchr(host + 3, '@') : NULL;
    const char *colon = host ? strchr(host + 3, ':') : NULL;
    return at && colon && colon < at;
}

static bool has_store(const struct salesforce_listen *l)
{
    return l->store.value && *l->store.value;
}

/* The flag that needs a store; NULL: none does. */
static const char *wants_store(const struct salesforce_listen *l, const struct args *args)
{
    if (args_has(args, "group"))
        return "group";
    if (args_switch(args, "standby"))
        return "standby";
    for (size_t i = 0; i < l->options.channels.count; i++) {
        const char *from = l->options.channels.list[i].from;
        if (from && strcmp(from, WEIR_REPLAY_STORED) == 0)
            return "replay stored";
    }
    return NULL;
}

/* That there is none may be a variable that was forgotten. */
static int check_store(const struct salesforce_listen *l, const struct args *args)
{
    weir_error err;
    const char *flag = has_store(l) ? NULL : wants_store(l, args);
    if (has_store(l) && l->store.from == FROM_FLAG && has_password(l->store.value))
        session_warn("store", "other users of this machine can see a password given as a flag; set "
                              "WEIR_STORE or WEIR_STORE_FILE instead");
    if (!flag)
        return 0;
    (void)fail_set(&err, WEIR_MISSING, "--%s needs a store: give --store or set WEIR_STORE", flag);
    return fail_with(&err);
}

static weir_on_gap on_gap(const struct args *args)
{
    const char *text = args_text(args, "on-gap");
    if (text && strcmp(text, "all") == 0)
        return WEIR_ON_GAP_ALL;
    return text && strcmp(text, "new") == 0 ? WEIR_ON_GAP_NEW : WEIR_ON_GAP_FAIL;
}

/* ---- opening ------------------------------------------------------------------------------------
 */

static void open_handle(struct salesforce_listen *l, const struct args *args,
                        weir_credentials *credentials, weir_error *err)
{
    weir_salesforce_options options;
    if (l->settings.ca_file.from == FROM_FLAG) /* for the store, too, which knows the variable */
        (void)setenv("WEIR_CA_FILE", l->settings.ca_file.value, 1);
    weir_replay *replay = has_store(l) ? weir_replay_open(l->store.value, err) : NULL;
    if (has_store(l) && !replay)
        return;
    salesforce_options(&l->settings, credentials, &options);
    options.replay = replay;
    options.group = args_text(args, "group");
    options.on_gap = on_gap(args);
    options.standby = args_switch(args, "standby");
    options.manual_ack = true;
    options.max_queued = (size_t)l->options.max_queued;
    options.connection_timeout = l->options.connection_timeout;
    options.give_up = l->options.give_up;
    options.on_news = told;
    options.user = l->listen;
    l->handle = cli_salesforce_open(&l->settings, &options, err);
    weir_replay_free(replay);
}

static int listen_on(struct salesforce_listen *l, const struct args *args)
{
    weir_error err = {0};
    weir_credentials *credentials = salesforce_credentials(&l->settings, args, &err);
    if (credentials)
        open_handle(l, args, credentials, &err);
    weir_credentials_free(credentials);
    if (!l->handle)
        return fail_with(&err);
    const struct listen_source source = {.handle = l->handle,
                                         .subscribe = subscribe,
                                         .take = take,
                                         .ack = ack,
                                         .end = end,
                                         .fd = fd,
                                         .stop = stop};
    int status = listen_run(l->listen, &source);
    weir_salesforce_close(l->handle);
    return status;
}

static int find_settings(struct salesforce_listen *l, const struct args *args)
{
    weir_error err = {0};
    if (salesforce_settings_find(&l->settings, args, &err) != WEIR_OK ||
        setting_find(&l->store, args, &group_salesforce_store, "store", &err) != WEIR_OK)
        return fail_with(&err);
    return check_store(l, args);
}

int salesforce_listen_run(const struct args *args)
{
    struct salesforce_listen l = {.handle = NULL};
    int status = listen_options_read(&l.options, args, 0);
    if (!status)
        status = find_settings(&l, args);
    if (!status)
        l.listen = listen_new(&l.options, &status);
    if (l.listen)
        status = listen_on(&l, args);
    listen_free(l.listen);
    setting_free(&l.store);
    salesforce_settings_free(&l.settings);
    listen_options_free(&l.options);
    return status;
}
