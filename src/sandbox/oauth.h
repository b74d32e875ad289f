/* sandbox/oauth.h - the token endpoint on the network: HTTP around sandbox/token.h, with the faults
 * scripted for "token". @thread io */
#ifndef SANDBOX_OAUTH_H
#define SANDBOX_OAUTH_H

#include "io/tls.h"
#include "sandbox/service.h"

#define OAUTH_PATH "/oauth/token"

struct oauth;

/* `common` is borrowed and has tokens. */
struct oauth *oauth_open(struct common *common, uint16_t port, struct tls *tls, weir_error *err);
void oauth_close(struct oauth *oauth);
#endif
