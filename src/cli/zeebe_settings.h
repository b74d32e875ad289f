/* cli/zeebe_settings.h - `weir zeebe`: which gateway, as whom, and where each answer came from. */
#ifndef CLI_ZEEBE_SETTINGS_H
#define CLI_ZEEBE_SETTINGS_H

#include "cli/endpoint.h"
#include "cli/setting.h"

enum zeebe_setting {
    ZEEBE_ADDRESS = 0,
    ZEEBE_HOST,
    ZEEBE_PORT,
    ZEEBE_CLUSTER_ID,
    ZEEBE_REGION,
    ZEEBE_INSECURE,
    ZEEBE_CERT_PATH,
    ZEEBE_CLIENT_CERT,
    ZEEBE_CLIENT_KEY,
    ZEEBE_AUTHORITY,
    ZEEBE_KEEPALIVE,
    ZEEBE_CA_FILE,
    ZEEBE_PROXY,
    ZEEBE_ALLOW_PLAINTEXT,
    ZEEBE_CLIENT_ID,
    ZEEBE_CLIENT_SECRET,
    ZEEBE_AUTHZ_URL,
    ZEEBE_AUDIENCE,
    ZEEBE_SCOPE,
    ZEEBE_RESOURCE,
    ZEEBE_CLIENT_AUTH,
    ZEEBE_PRIVATE_KEY,
    ZEEBE_LEEWAY,
    ZEEBE_EXPIRE_IN,
    ZEEBE_TOKEN_ENV,
    ZEEBE_ACCESS_TOKEN,
    ZEEBE_CACHE,
    ZEEBE_SETTINGS
};

enum zeebe_login { LOGIN_NONE = 0, LOGIN_TOKEN, LOGIN_OAUTH2, LOGIN_CLOUD };

struct zeebe_settings {
    struct setting at[ZEEBE_SETTINGS]; /* with defaults filled in where they are known */
    struct endpoint gateway;
    enum zeebe_login login;
    bool tls;
    char tls_why[80]; /* "--insecure", "loopback" */
    char target[280]; /* "host:port" */
};

/* Everything that flags, environment and defaults say; no connection is made. WEIR_MISSING and
 * WEIR_UNSUPPORTED (both 78) name the settings that miss or contradict each other, WEIR_INVALID a
 * malformed one. *out holds in any case what was found: zeebe_settings_free() it. */
weir_status zeebe_settings_find(struct zeebe_settings *out, const struct args *args,
                                weir_error *err);
/* The login only: how the gateway is reached does not matter to who just wants a token. */
weir_status zeebe_login_find(struct zeebe_settings *out, const struct args *args, weir_error *err);
void zeebe_settings_free(struct zeebe_settings *settings);
/* Its text; NULL when it is not set, or set to "". */
const char *zeebe_setting_text(const struct zeebe_settings *settings, enum zeebe_setting which);
const char *zeebe_setting_name(enum zeebe_setting which); /* "client-id" */
const char *zeebe_login_name(enum zeebe_login login);     /* "oauth2" */
#endif
