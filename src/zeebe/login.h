/* zeebe/login.h - from the options of a channel and the environment to credentials. Any thread. */
#ifndef ZEEBE_LOGIN_H
#define ZEEBE_LOGIN_H

#include "zeebe/channel.h"

#define SAAS_DOMAIN    "zeebe.camunda.io"
#define SAAS_TOKEN_URL "https://login.cloud.camunda.io/oauth/token"
#define SAAS_REGION    "bru-2"

/* Texts that are copies, wiped when freed: of variables, or of the files they name. */
struct login {
    char *client_id, *client_secret;
};

/* The options as they are, else CAMUNDA_CLIENT_ID, ZEEBE_CLIENT_ID and so on, each also as
 * NAME_FILE. What is nowhere stays NULL. */
weir_status login_find(struct login *out, const char *client_id, const char *client_secret,
                       weir_error *err);
/* WEIR_MISSING names the variables of the one that is nowhere. */
weir_status login_complete(const struct login *login, bool secret, weir_error *err);
void login_clear(struct login *login);

/* What both OAuth2 channels hand to weir_credentials_oauth2(). */
weir_credentials *login_credentials(const struct login *login, const weir_oauth2_channel_options *o,
                                    const struct gateway *gateway, weir_error *err);
/* Is the gateway one of Camunda SaaS? */
bool login_is_saas(const struct gateway *gateway);
#endif
