/* Words of a message are replaced by others. Pure. */
#include "cli/option_names.h"

#include <stdio.h>
#include <string.h>

#include "cli/str.h"

static const struct option_name everywhere[] = {
    {"weir_credentials_oauth2: ", ""},
    {"weir_credentials_salesforce: ", ""},
    {"(params repeats", "(--param repeats"},
    {"params", "--param"},
    {"client_id", "--client-id"},
    {"client_secret", "the client's secret"},
    {"private_key or private_key_file", "--private-key"},
    {"private_key_file", "--private-key"},
    {"private_key", "--private-key"},
    {"ca_file", "--ca-file"},
    {"leeway_s", "--leeway"},
    {"expires_in_s", "--expire-in"},
    {"tls.root_certificates", "--ca-file"},
    {"tls.certificate_chain", "--client-cert"},
    {"tls.private_key or tls.private_key_file", "--client-key"},
    {"tls.private_key", "--client-key"},
    {"allow_plaintext", "--allow-plaintext"},
    {"allow_plaintext_credentials", "--allow-plaintext"},
    {"grpc_address", "--address"},
    {"grpc.default_authority", "--authority"},
    {NULL, NULL},
};

static bool is_word(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
}

/* Does the option stand at `at`, with no other word touching it? */
static bool stands_at(const char *message, const char *at, const char *option)
{
    size_t len = strlen(option);
    return strncmp(at, option, len) == 0 &&
           !(is_word(*option) && at > message && is_word(at[-1])) &&
           !(is_word(option[len - 1]) && is_word(at[len]));
}

static const struct option_name *find(const struct option_name *names, const char *message,
                                      const char *at)
{
    for (; names->option; names++)
        if (names->name && stands_at(message, at, names->option))
            return names;
    return NULL;
}

void option_names_replace(weir_error *err, const struct option_name *names)
{
    struct str text = {0};
    for (const char *at = err->message; *at;) {
        const struct option_name *found = find(names, err->message, at);
        if (!found)
            found = find(everywhere, err->message, at);
        if (found)
            str_add(&text, found->name);
        else
            str_add_bytes(&text, at, 1);
        at += found ? strlen(found->option) : 1;
    }
    (void)snprintf(err->message, sizeof err->message, "%s", str_text(&text));
    str_free(&text);
}
