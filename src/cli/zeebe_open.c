/* Opening the channel. Texts are borrowed from the settings and from argv: the library copies what
 * it keeps. */
#include "cli/zeebe_open.h"

#include <string.h>

#include "cli/fail.h"
#include "cli/session.h"
#include "cli/value.h"

/* ---- channel arguments -------------------------------------------------------------------- */

struct channel_args {
    weir_channel_arg *list; /* ended by a NULL name */
    size_t count;
    char **copies; /* what names and texts point into */
    size_t copy_count;
};

static void add_arg(struct channel_args *args, const char *name, const char *text, int64_t number)
{
    args->list = memory_or_exit(args->list, args->count + 2, sizeof *args->list);
    args->list[args->count++] = (weir_channel_arg){.name = name, .text = text, .number = number};
    args->list[args->count] = (weir_channel_arg){0};
}

static char *keep_copy(struct channel_args *args, const char *text)
{
    args->copies = memory_or_exit(args->copies, args->copy_count + 1, sizeof *args->copies);
    args->copies[args->copy_count] = copy_or_exit(text, strlen(text));
    return args->copies[args->copy_count++];
}

static void free_args(struct channel_args *args)
{
    for (size_t i = 0; i < args->copy_count; i++)
        release_memory(args->copies[i]);
    release_memory(args->copies);
    release_memory(args->list);
}

/* A whole number, true and false are numbers, anything else is a text; what stands in "..." is a
 * text whatever it is. */
static weir_status add_option(struct channel_args *args, const char *given, weir_error *err)
{
    char *name = keep_copy(args, given);
    char *equals = strchr(name, '=');
    if (!equals || equals == name)
        return fail_set(err, WEIR_INVALID, "--channel-option: \"%s\" is not grpc.NAME=VALUE",
                        given);
    *equals = '\0';
    char *value = equals + 1;
    size_t len = strlen(value);
    int64_t number = 0;
    bool on = false;
    if (len >= 2 && value[0] == '"' && value[len - 1] == '"') {
        value[len - 1] = '\0';
        add_arg(args, name, value + 1, 0);
    } else if (!value_number(value, &number)) {
        add_arg(args, name, NULL, number);
    } else if (!value_switch(value, &on)) {
        add_arg(args, name, NULL, on);
    } else {
        add_arg(args, name, value, 0);
    }
    return WEIR_OK;
}

/* The certificate names a host, never a port. */
static const char *authority_host(struct channel_args *args, const char *authority)
{
    struct endpoint endpoint;
    weir_error ignored = {0};
    if (endpoint_parse(&endpoint, authority, "", &ignored) != WEIR_OK)
        return authority;
    return keep_copy(args, endpoint.host);
}

/* What was given by its name comes first: of two entries of a name the first counts. */
static weir_status fill_args(struct channel_args *out, const struct zeebe_settings *s,
                             const struct args *args, weir_error *err)
{
    const char *given;
    for (size_t i = 0; (given = args_each(args, "channel-option", i)); i++)
        if (add_option(out, given, err) != WEIR_OK)
            return err->status;
    const char *authority = zeebe_setting_text(s, ZEEBE_AUTHORITY);
    if (authority) {
        add_arg(out, "grpc.default_authority", authority, 0);
        add_arg(out, "grpc.ssl_target_name_override", authority_host(out, authority), 0);
    }
    weir_ms keepalive = setting_duration(&s->at[ZEEBE_KEEPALIVE], 45000);
    add_arg(out, "grpc.keepalive_time_ms", NULL,
            keepalive > 0 && keepalive < INT32_MAX ? keepalive : INT32_MAX);
    return WEIR_OK;
}

/* ---- the channel -------------------------------------------------------------------------- */

static weir_tls_options tls_options(const struct zeebe_settings *s)
{
    const char *roots = zeebe_setting_text(s, ZEEBE_CERT_PATH);
    return (weir_tls_options){
        .struct_size = sizeof(weir_tls_options),
        .root_certificates_file = roots ? roots : zeebe_setting_text(s, ZEEBE_CA_FILE),
        .private_key_file = zeebe_setting_text(s, ZEEBE_CLIENT_KEY),
        .certificate_chain_file = zeebe_setting_text(s, ZEEBE_CLIENT_CERT),
    };
}

static weir_channel *open_channel(const struct zeebe_settings *s, const weir_channel_arg *list,
                                  weir_ms timeout, weir_error *err)
{
    weir_tls_options tls = tls_options(s);
    weir_channel_options options = {
        .struct_size = sizeof options,
        .grpc_address = s->target,
        .tls = s->tls ? &tls : NULL,
        .args = list,
        .proxy = zeebe_setting_text(s, ZEEBE_PROXY),
        .default_timeout = timeout,
        .allow_plaintext_credentials = setting_switch(&s->at[ZEEBE_ALLOW_PLAINTEXT], false),
        .plaintext = !s->tls && s->login != LOGIN_NONE,
    };
    weir_channel *channel = NULL;
    if (s->login == LOGIN_NONE) {
        channel =
            s->tls ? weir_channel_secure(&options, err) : weir_channel_insecure(&options, err);
    } else {
        weir_credentials *credentials = cli_zeebe_credentials(s, timeout, err);
        channel = credentials ? weir_channel_with_credentials(&options, credentials, err) : NULL;
        weir_credentials_free(credentials);
    }
    if (!channel)
        cli_zeebe_name_settings(s, err);
    return channel;
}

weir_channel *cli_zeebe_channel(const struct zeebe_settings *settings, const struct args *args,
                                weir_error *err)
{
    struct channel_args list = {0};
    weir_channel *channel = NULL;
    if (fill_args(&list, settings, args, err) == WEIR_OK)
        channel = open_channel(settings, list.list, session_timeout(args), err);
    free_args(&list);
    return channel;
}

weir_zeebe *cli_zeebe_open(const struct zeebe_settings *settings, const struct args *args,
                           weir_error *err)
{
    weir_channel *channel = cli_zeebe_channel(settings, args, err);
    weir_zeebe *zeebe = channel ? weir_zeebe_new(channel, err) : NULL;
    weir_channel_close(channel);
    return zeebe;
}

weir_zeebe *cli_zeebe_open_from(const struct args *args, weir_error *err)
{
    struct zeebe_settings settings;
    weir_zeebe *zeebe = NULL;
    if (zeebe_settings_find(&settings, args, err) == WEIR_OK)
        zeebe = cli_zeebe_open(&settings, args, err);
    zeebe_settings_free(&settings);
    return zeebe;
}
