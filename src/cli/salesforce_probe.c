/* `weir salesforce probe`: what a listener would do, one step after the other, each with what came
 * of it. A step that needs one that failed has failed, too, and says so. */
#include <string.h>

#include "cli/clock.h"
#include "cli/commands.h"
#include "cli/fail.h"
#include "cli/listen_channels.h"
#include "cli/out.h"
#include "cli/salesforce_open.h"
#include "cli/session.h"
#include "cli/token.h"

#include <weir/json.h>

struct probe {
    bool json, failed;
    weir_ms until; /* WEIR_FOREVER: no limit */
    weir_credentials *credentials;
    weir_salesforce *handle;
};

/* ---- saying --------------------------------------------------------------------------------- */

static void say(struct probe *probe, const char *check, bool ok, const char *message)
{
    struct str line = {0};
    probe->failed = probe->failed || !ok;
    if (probe->json) {
        str_add(&line, "{\"check\":");
        str_add_json(&line, check);
        str_addf(&line, ",\"ok\":%s,\"message\":", ok ? "true" : "false");
        str_add_json(&line, message);
        str_add(&line, "}\n");
    } else {
        str_addf(&line, "%-4s %s%s%s\n", ok ? "ok" : "FAIL", check, *message ? ": " : "", message);
    }
    out_add(line.data);
    out_flush();
    str_free(&line);
}

struct remedy {
    weir_status status;
    const char *what;
};

static const struct remedy of_login[] = {
    {WEIR_BAD_LOGIN,
     "check client id, secret, user and password, and that the connected app allows "
     "this grant"},
    {WEIR_FORBIDDEN, "give the user access to the API and to the connected app"},
    {WEIR_UNREACHABLE, "check the login URL, the network and the proxy"},
    {WEIR_TIMEOUT, "check the login URL, the network and the proxy"},
    {WEIR_UNTRUSTED, "check the clock and --ca-file"},
    {0}};
static const struct remedy of_handshake[] = {
    {WEIR_BAD_LOGIN, "give the user the permission API Enabled; weir salesforce token --refresh "
                     "gets a new token"},
    {WEIR_FORBIDDEN, "give the user the permission API Enabled and access to streaming"},
    {WEIR_NOT_FOUND, "check --api-version and the instance URL"},
    {WEIR_BUSY, "wait some minutes, and end other listeners"},
    {WEIR_UNREACHABLE, "check the instance URL, the network and the proxy"},
    {WEIR_TIMEOUT, "check the instance URL, the network and the proxy"},
    {0}};
static const struct remedy of_channel[] = {
    {WEIR_NOT_FOUND, "check its spelling: names are case-sensitive; it must exist in this org"},
    {WEIR_FORBIDDEN, "give the user read access to what the channel is about (change data capture: "
                     "View All)"},
    {WEIR_INVALID, "check its spelling, and the fields of its filter"},
    {WEIR_REFUSED, "check its spelling, and that it exists in this org"},
    {WEIR_BUSY, "a limit of the org is reached: wait, or end other listeners"},
    {0}};

static void say_failure(struct probe *probe, const char *check, const weir_error *err,
                        const struct remedy *remedies)
{
    struct str text = {0};
    str_add(&text, err->message);
    for (; remedies->what; remedies++)
        if (remedies->status == err->status)
            str_addf(&text, "; %s", remedies->what);
    say(probe, check, false, text.data);
    str_free(&text);
}

/* ---- steps ----------------------------------------------------------------------------------- */

static weir_ms time_left(const struct probe *probe)
{
    if (probe->until == WEIR_FOREVER)
        return WEIR_FOREVER;
    weir_ms left = probe->until - clock_now();
    return left > 0 ? left : WEIR_NO_WAIT;
}

static bool log_in(struct probe *probe, struct salesforce_settings *settings,
                   const struct args *args)
{
    weir_error err = {0};
    weir_token *token = NULL;
    probe->credentials = salesforce_credentials(settings, args, &err);
    if (probe->credentials)
        token = weir_credentials_token(probe->credentials, time_left(probe), &err);
    if (!token) {
        say_failure(probe, "login", &err, of_login);
        return false;
    }
    const char *instance = weir_token_field(token, "instance_url");
    say(probe, "login", true, instance ? instance : "");
    weir_token_free(token);
    return true;
}

/* The server's reply to the handshake, to be freed; NULL: there is none. */
static char *shake_hands(struct probe *probe, struct salesforce_settings *settings)
{
    weir_error err = {0};
    weir_salesforce_options options;
    char *reply = NULL;
    salesforce_options(settings, probe->credentials, &options);
    probe->handle = cli_salesforce_open(settings, &options, &err);
    if (probe->handle)
        reply = weir_salesforce_session(probe->handle, time_left(probe), &err);
    if (reply)
        say(probe, "handshake", true, "");
    else
        say_failure(probe, "handshake", &err, of_handshake);
    return reply;
}

static void check_replay(struct probe *probe, const char *reply)
{
    weir_error err = {0};
    weir_json *json = weir_json_parse(reply, strlen(reply), &err);
    bool has_it = json && weir_json_bool(json, "/ext/replay", false);
    weir_json_free(json);
    say(probe, "replay extension", has_it,
        has_it ? ""
               : "the server does not offer it, so events missed cannot be fetched; use an "
                 "--api-version of 37.0 or later");
}

static void check_channel(struct probe *probe, const char *channel)
{
    weir_error err = {0};
    if (weir_salesforce_subscribe(probe->handle, channel, WEIR_REPLAY_NEW, time_left(probe),
                                  &err) == WEIR_OK)
        say(probe, channel, true, "");
    else
        say_failure(probe, channel, &err, of_channel);
}

static void take_steps(struct probe *probe, struct salesforce_settings *settings,
                       const struct listen_channels *channels, const struct args *args)
{
    bool in = log_in(probe, settings, args);
    const char *missing = in ? "not tried: there is no session" : "not tried: there is no login";
    char *reply = in ? shake_hands(probe, settings) : NULL;
    if (!in)
        say(probe, "handshake", false, missing);
    if (reply)
        check_replay(probe, reply);
    else
        say(probe, "replay extension", false, missing);
    for (size_t i = 0; i < channels->count; i++)
        if (reply)
            check_channel(probe, channels->list[i].name);
        else
            say(probe, channels->list[i].name, false, missing);
    weir_free(reply);
}

int salesforce_probe_run(const struct args *args)
{
    weir_error err = {0};
    weir_ms limit = session_timeout(args);
    struct salesforce_settings settings = {.ready_instance = {0}};
    struct listen_channels channels;
    struct probe probe = {.json = session_json(args),
                          .until = limit == WEIR_FOREVER ? limit : clock_now() + limit};
    if (listen_channels_read(&channels, args, 0, &err) == WEIR_OK)
        (void)salesforce_settings_find(&settings, args, &err);
    if (err.status == WEIR_OK)
        take_steps(&probe, &settings, &channels, args);
    weir_salesforce_close(probe.handle);
    weir_credentials_free(probe.credentials);
    salesforce_settings_free(&settings);
    listen_channels_free(&channels);
    if (err.status != WEIR_OK)
        return fail_with(&err);
    return probe.failed ? 1 : 0;
}

int salesforce_token_run(const struct args *args)
{
    weir_error err = {0};
    struct salesforce_settings settings = {.ready_instance = {0}};
    int status = token_check_form(args);
    if (status)
        return status;
    weir_credentials *credentials = NULL;
    if (salesforce_settings_find(&settings, args, &err) == WEIR_OK)
        credentials = salesforce_credentials(&settings, args, &err);
    status = token_print(args, credentials, str_text(&settings.ready_instance), &err);
    weir_credentials_free(credentials);
    salesforce_settings_free(&settings);
    return status;
}
