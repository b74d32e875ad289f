/* From flags to a handle of any Bayeux server. */
#include "cli/bayeux_open.h"

#include <string.h>

#include "cli/fail.h"
#include "cli/groups.h"
#include "cli/option_names.h"

static weir_transport transport_by_name(const char *name)
{
    if (name && strcmp(name, "websocket") == 0)
        return WEIR_TRANSPORT_WEBSOCKET;
    if (name && strcmp(name, "long-polling") == 0)
        return WEIR_TRANSPORT_LONG_POLLING;
    return WEIR_TRANSPORT_AUTO;
}

/* The name is a token of RFC 9110; the value has no control characters. */
static bool is_header(const char *text)
{
    size_t name = strspn(text, "!#$%&'*+-.^_`|~0123456789abcdefghijklmnopqrstuvwxyz"
                               "ABCDEFGHIJKLMNOPQRSTUVWXYZ");
    if (name == 0 || text[name] != ':')
        return false;
    for (const char *at = text + name; *at; at++)
        if (((unsigned char)*at < 0x20 && *at != '\t') || *at == 0x7F)
            return false;
    return true;
}

/* What is wrong with a header is not shown: it may hold a secret. */
static weir_status find_headers(struct bayeux_settings *out, const struct args *args,
                                weir_error *err)
{
    const char *given;
    size_t count = 0;
    out->headers = memory_or_exit(NULL, 1, sizeof *out->headers);
    out->headers[0] = NULL;
    for (; (given = args_each(args, "header", count)); count++) {
        if (!is_header(given))
            return fail_set(err, WEIR_INVALID,
                            "--header: number %zu is not 'NAME: VALUE' on one line", count + 1);
        out->headers = memory_or_exit((void *)out->headers, count + 2, sizeof *out->headers);
        out->headers[count] = given;
        out->headers[count + 1] = NULL;
    }
    return WEIR_OK;
}

static weir_status find_token(weir_bayeux_options *options, const struct args *args,
                              weir_error *err)
{
    const char *variable = args_text(args, "token-env");
    struct setting token = {.value = NULL};
    if (!variable)
        return WEIR_OK;
    if (setting_find_variable(&token, variable, err) == WEIR_OK && token.value && *token.value)
        options->credentials = weir_credentials_fixed(token.value, err);
    else if (err->status == WEIR_OK)
        (void)fail_set(err, WEIR_MISSING, "--token-env: the variable %s is not set", variable);
    setting_free(&token);
    return err->status;
}

weir_status bayeux_options_find(struct bayeux_settings *out, const struct args *args,
                                weir_bayeux_options *options, weir_error *err)
{
    *out = (struct bayeux_settings){.headers = NULL};
    *options = (weir_bayeux_options){.struct_size = sizeof *options,
                                     .url = args->words[0],
                                     .transport = transport_by_name(args_text(args, "transport")),
                                     .no_ack_extension = args_switch(args, "no-ack-extension")};
    if (setting_find(&out->ca_file, args, &group_network, "ca-file", err) != WEIR_OK ||
        setting_find(&out->proxy, args, &group_network, "proxy", err) != WEIR_OK ||
        setting_find(&out->allow_plaintext, args, &group_network, "allow-plaintext", err) !=
            WEIR_OK ||
        find_headers(out, args, err) != WEIR_OK)
        return err->status;
    out->tls = (weir_tls_options){.struct_size = sizeof out->tls,
                                  .root_certificates_file = out->ca_file.value};
    options->headers = out->headers;
    options->tls = out->ca_file.value && *out->ca_file.value ? &out->tls : NULL;
    options->proxy = out->proxy.value;
    options->allow_plaintext = setting_switch(&out->allow_plaintext, false);
    return find_token(options, args, err);
}

weir_bayeux *cli_bayeux_open(weir_bayeux_options *options, weir_error *err)
{
    static const struct option_name called[] = {{"weir_bayeux_open: ", ""},
                                                {"url", "the URL"},
                                                {"proxy", "--proxy"},
                                                {"headers", "--header"},
                                                {NULL, NULL}};
    weir_bayeux *handle = weir_bayeux_open(options, err);
    if (!handle)
        option_names_replace(err, called);
    weir_credentials_free(options->credentials);
    options->credentials = NULL;
    return handle;
}

void bayeux_settings_free(struct bayeux_settings *settings)
{
    setting_free(&settings->ca_file);
    setting_free(&settings->proxy);
    setting_free(&settings->allow_plaintext);
    release_memory((void *)settings->headers);
}
