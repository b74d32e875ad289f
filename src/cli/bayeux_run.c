/* `weir bayeux listen` and `weir bayeux publish`. */
#include <string.h>

#include "cli/bayeux_open.h"
#include "cli/commands.h"
#include "cli/fail.h"
#include "cli/json_arg.h"
#include "cli/listen.h"
#include "cli/out.h"
#include "cli/session.h"

/* ---- listen: the handle, as a listener asks for it ------------------------------------------- */

static weir_status subscribe(void *handle, const struct listen_channel *channel, weir_error *err)
{
    return weir_bayeux_subscribe(handle, channel->name, WEIR_FOREVER, err);
}

static weir_status take(void *handle, weir_event **events, size_t room, size_t *count,
                        weir_error *err)
{
    return weir_bayeux_take(handle, events, room, count, WEIR_NO_WAIT, err);
}

static weir_status end(void *handle, weir_error *err)
{
    return weir_bayeux_wait(handle, WEIR_NO_WAIT, err);
}

static int fd(void *handle)
{
    return weir_bayeux_fd(handle);
}

static void stop(void *handle)
{
    weir_bayeux_stop(handle);
}

static int listen_on(struct listen *listen, const struct listen_options *wanted,
                     weir_bayeux_options *options)
{
    weir_error err = {0};
    options->max_queued = (size_t)wanted->max_queued;
    options->connection_timeout = wanted->connection_timeout;
    options->give_up = wanted->give_up;
    options->on_news = listen_news;
    options->user = listen;
    weir_bayeux *handle = cli_bayeux_open(options, &err);
    if (!handle)
        return fail_with(&err);
    const struct listen_source source = {
        .handle = handle, .subscribe = subscribe, .take = take, .end = end, .fd = fd, .stop = stop};
    int status = listen_run(listen, &source);
    weir_bayeux_close(handle);
    return status;
}

int bayeux_listen_run(const struct args *args)
{
    struct listen_options wanted;
    struct bayeux_settings settings = {.headers = NULL};
    weir_bayeux_options options = {.struct_size = sizeof options};
    struct listen *listen = NULL;
    weir_error err = {0};
    int status = listen_options_read(&wanted, args, 1);
    if (!status && bayeux_options_find(&settings, args, &options, &err) != WEIR_OK)
        status = fail_with(&err);
    if (!status)
        listen = listen_new(&wanted, &status);
    if (listen)
        status = listen_on(listen, &wanted, &options);
    weir_credentials_free(options.credentials);
    listen_free(listen);
    bayeux_settings_free(&settings);
    listen_options_free(&wanted);
    return status;
}

/* ---- publish -----------------------------------------------------------------------------------
 */

static int publish(weir_bayeux *handle, const struct args *args, const char *json)
{
    weir_error err = {0};
    char *answer = NULL;
    if (weir_bayeux_publish(handle, args->words[1], json, &answer, session_timeout(args), &err) !=
        WEIR_OK)
        return fail_with(&err);
    out_addf("%s\n", answer ? answer : "");
    out_flush();
    weir_free(answer);
    return 0;
}

int bayeux_publish_run(const struct args *args)
{
    weir_error err = {0};
    struct bayeux_settings settings = {.headers = NULL};
    weir_bayeux_options options = {.struct_size = sizeof options};
    weir_bayeux *handle = NULL;
    const char *wrong = listen_channel_complaint(args->words[1]);
    session_quiet(); /* whichever transport it was in the end */
    char *json = json_arg_value("data", args_text(args, "data"), &err);
    if (json && wrong)
        (void)fail_set(&err, WEIR_INVALID, "\"%.200s\" cannot be a channel: it %s", args->words[1],
                       wrong);
    if (err.status == WEIR_OK && bayeux_options_find(&settings, args, &options, &err) == WEIR_OK)
        handle = cli_bayeux_open(&options, &err);
    int status = handle ? publish(handle, args, json) : fail_with(&err);
    weir_bayeux_close(handle);
    weir_credentials_free(options.credentials);
    bayeux_settings_free(&settings);
    release_memory(json);
    return status;
}
