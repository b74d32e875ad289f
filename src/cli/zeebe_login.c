/* From the settings of `weir zeebe` to credentials. Texts are borrowed: the library copies what it
 * keeps. */
#include "cli/login.h"
#include "cli/option_names.h"
#include "cli/zeebe_open.h"

static const char *where(const struct zeebe_settings *s, enum zeebe_setting which)
{
    return zeebe_setting_text(s, which) ? s->at[which].where : NULL;
}

void cli_zeebe_name_settings(const struct zeebe_settings *s, weir_error *err)
{
    const char *roots = where(s, ZEEBE_CERT_PATH);
    const struct option_name names[] = {
        {"token_url", where(s, ZEEBE_AUTHZ_URL)},
        {"client_id", where(s, ZEEBE_CLIENT_ID)},
        {"client_secret", where(s, ZEEBE_CLIENT_SECRET)},
        {"private_key_file", where(s, ZEEBE_PRIVATE_KEY)},
        {"private_key", where(s, ZEEBE_PRIVATE_KEY)},
        {"tls.root_certificates", roots ? roots : where(s, ZEEBE_CA_FILE)},
        {"grpc_address", where(s, ZEEBE_ADDRESS)},
        {"grpc.default_authority", where(s, ZEEBE_AUTHORITY)},
        {NULL, NULL},
    };
    option_names_replace(err, names);
}

weir_credentials *cli_zeebe_credentials(const struct zeebe_settings *s, weir_ms timeout,
                                        weir_error *err)
{
    if (s->login == LOGIN_TOKEN)
        return weir_credentials_fixed(zeebe_setting_text(s, ZEEBE_ACCESS_TOKEN), err);
    weir_oauth2_options options = {
        .struct_size = sizeof options,
        .client_auth = login_client_auth(zeebe_setting_text(s, ZEEBE_CLIENT_AUTH)),
        .token_url = zeebe_setting_text(s, ZEEBE_AUTHZ_URL),
        .client_id = zeebe_setting_text(s, ZEEBE_CLIENT_ID),
        .client_secret = zeebe_setting_text(s, ZEEBE_CLIENT_SECRET),
        .scope = zeebe_setting_text(s, ZEEBE_SCOPE),
        .audience = zeebe_setting_text(s, ZEEBE_AUDIENCE),
        .resource = zeebe_setting_text(s, ZEEBE_RESOURCE),
        .ca_file = zeebe_setting_text(s, ZEEBE_CA_FILE),
        .proxy = zeebe_setting_text(s, ZEEBE_PROXY),
        .leeway_s = login_seconds(&s->at[ZEEBE_LEEWAY], 60),
        .expires_in_s = login_seconds(&s->at[ZEEBE_EXPIRE_IN], 0),
        .timeout = timeout == WEIR_FOREVER ? WEIR_DEFAULT_TIMEOUT : timeout, /* of one fetch */
        .allow_plaintext = setting_switch(&s->at[ZEEBE_ALLOW_PLAINTEXT], false),
    };
    login_set_cache(&options, &s->at[ZEEBE_CACHE]);
    login_set_key(&options, &s->at[ZEEBE_PRIVATE_KEY]);
    weir_credentials *credentials = weir_credentials_oauth2(&options, err);
    if (!credentials)
        cli_zeebe_name_settings(s, err);
    return credentials;
}
