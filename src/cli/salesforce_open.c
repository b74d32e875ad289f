/* Opening a handle. Logging in is that of `weir token --for salesforce`, so that all of them share
 * the cache. */
#include "cli/salesforce_open.h"

#include "cli/groups.h"
#include "cli/option_names.h"
#include "cli/salesforce_flags.h"
#include "cli/token.h"

weir_status salesforce_settings_find(struct salesforce_settings *out, const struct args *args,
                                     weir_error *err)
{
    const struct flag_group *login = &group_salesforce_login, *network = &group_network;
    *out = (struct salesforce_settings){.ready_instance = {0}};
    if (setting_find(&out->instance_url, args, login, "instance-url", err) != WEIR_OK ||
        setting_find(&out->api_version, args, login, "api-version", err) != WEIR_OK ||
        setting_find(&out->ca_file, args, network, "ca-file", err) != WEIR_OK ||
        setting_find(&out->proxy, args, network, "proxy", err) != WEIR_OK)
        return err->status;
    return setting_find(&out->allow_plaintext, args, network, "allow-plaintext", err);
}

void salesforce_settings_free(struct salesforce_settings *settings)
{
    setting_free(&settings->instance_url);
    setting_free(&settings->api_version);
    setting_free(&settings->ca_file);
    setting_free(&settings->proxy);
    setting_free(&settings->allow_plaintext);
    str_free(&settings->ready_instance);
}

weir_credentials *salesforce_credentials(struct salesforce_settings *settings,
                                         const struct args *args, weir_error *err)
{
    str_clear(&settings->ready_instance);
    return token_salesforce(args, &settings->ready_instance, err);
}

static const char *text_of(const struct setting *setting)
{
    return setting->value && *setting->value ? setting->value : NULL;
}

/* A variable with an instance is for a ready token, which has it; otherwise the login says it. */
void salesforce_options(struct salesforce_settings *settings, weir_credentials *credentials,
                        weir_salesforce_options *out)
{
    const char *ca_file = text_of(&settings->ca_file);
    bool given = settings->instance_url.from == FROM_FLAG;
    settings->tls =
        (weir_tls_options){.struct_size = sizeof settings->tls, .root_certificates_file = ca_file};
    *out = (weir_salesforce_options){
        .struct_size = sizeof *out,
        .credentials = credentials,
        .instance_url = given ? text_of(&settings->instance_url) : NULL,
        .api_version = text_of(&settings->api_version),
        .tls = ca_file ? &settings->tls : NULL,
        .proxy = text_of(&settings->proxy),
        .allow_plaintext = setting_switch(&settings->allow_plaintext, false),
    };
}

static const char *where(const struct setting *setting)
{
    return setting->value ? setting->where : NULL;
}

weir_salesforce *cli_salesforce_open(const struct salesforce_settings *settings,
                                     const weir_salesforce_options *options, weir_error *err)
{
    const struct option_name called[] = {{"weir_salesforce_open: ", ""},
                                         {"instance_url", where(&settings->instance_url)},
                                         {"api_version", where(&settings->api_version)},
                                         {"proxy", where(&settings->proxy)},
                                         {"tls.root_certificates_file", where(&settings->ca_file)},
                                         {NULL, NULL}};
    weir_salesforce *handle = weir_salesforce_open(options, err);
    if (!handle)
        option_names_replace(err, called);
    return handle;
}
