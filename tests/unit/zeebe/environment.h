/* unit/zeebe/environment.h - the variables of a test, and no others that zeebe reads. */
#ifndef UNIT_ZEEBE_ENVIRONMENT_H
#define UNIT_ZEEBE_ENVIRONMENT_H

#include <stdlib.h>
#include <string.h>

static inline void no_environment(void)
{
    static const char *const names[] = {"ZEEBE_ADDRESS",
                                        "ZEEBE_GRPC_ADDRESS",
                                        "ZEEBE_HOST",
                                        "ZEEBE_PORT",
                                        "ZEEBE_CLIENT_ID",
                                        "ZEEBE_CLIENT_SECRET",
                                        "ZEEBE_AUTHORIZATION_SERVER_URL",
                                        "ZEEBE_TOKEN_AUDIENCE",
                                        "ZEEBE_TOKEN_SCOPE",
                                        "ZEEBE_INSECURE_CONNECTION",
                                        "ZEEBE_CA_CERTIFICATE_PATH",
                                        "ZEEBE_OVERRIDE_AUTHORITY",
                                        "ZEEBE_KEEP_ALIVE",
                                        "ZEEBE_CLIENT_CONFIG_PATH",
                                        "CAMUNDA_CLIENT_ID",
                                        "CAMUNDA_CLIENT_ID_FILE",
                                        "CAMUNDA_CLIENT_SECRET",
                                        "CAMUNDA_CLIENT_SECRET_FILE",
                                        "CAMUNDA_OAUTH_URL",
                                        "CAMUNDA_TOKEN_AUDIENCE",
                                        "CAMUNDA_TOKEN_SCOPE",
                                        "CAMUNDA_CLUSTER_ID",
                                        "CAMUNDA_CLUSTER_REGION",
                                        "CAMUNDA_CLIENT_CONFIG_PATH",
                                        "WEIR_ACCESS_TOKEN",
                                        "WEIR_CA_FILE",
                                        "WEIR_ALLOW_PLAINTEXT",
                                        "WEIR_TOKEN_CACHE"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        unsetenv(names[i]);
}

/* "NAME=value", ended by NULL. */
static inline void set_environment(const char *const *variables)
{
    char name[64];
    no_environment();
    for (; *variables; variables++) {
        size_t len = strcspn(*variables, "=");
        memcpy(name, *variables, len);
        name[len] = '\0';
        setenv(name, *variables + len + 1, 1);
    }
}
#endif
