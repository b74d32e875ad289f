/* zeebe/channel_environment.h - what the environment says about a channel, before one is opened. */
#ifndef ZEEBE_CHANNEL_ENVIRONMENT_H
#define ZEEBE_CHANNEL_ENVIRONMENT_H

#include "zeebe/login.h"

struct environment {
    struct gateway gateway;
    bool cluster; /* the gateway is a cluster of Camunda SaaS by its id */
    bool plaintext;
    bool allow_plaintext;
    weir_ms keepalive;
    struct login login;
    char *token; /* WEIR_ACCESS_TOKEN */
};

/* *e is filled in any case: environment_clear() it. */
weir_status environment_find(struct environment *e, weir_error *err);
void environment_clear(struct environment *e);
#endif
