/* sandbox/sandbox_private.h - a sandbox, for sandbox.c, sandbox_variables.c and sandbox_events.c.
 */
#ifndef SANDBOX_SANDBOX_PRIVATE_H
#define SANDBOX_SANDBOX_PRIVATE_H

#include "sandbox/control.h"
#include "sandbox/gateway.h"
#include "sandbox/oauth.h"
#include "sandbox/pki.h"
#include "sandbox/place.h"
#include "sandbox/salesforce.h"
#include "sandbox/sandbox.h"
#include "sandbox/settings.h"

#define KEY_FILE            "client-key.pem"
#define SALESFORCE_KEY_FILE "salesforce-key.pem"

enum service { OAUTH, ZEEBE, SALESFORCE, SERVICES };

struct sandbox {
    struct common common;
    char *folder;
    struct pki *pki;
    struct tls *web_tls, *gateway_tls;
    struct settings settings;
    struct place_port control_port, ports[SERVICES];
    bool wanted[SERVICES];
    bool require_token;
    unsigned max_concurrent_streams;

    struct engine *engine;   /* NULL: no gateway is wanted; @thread io once it has started */
    struct control *control; /* @thread io, as those below */
    struct oauth *oauth;
    struct gateway *gateway;
};

/* The variables that point clients at it, into sandbox->settings. */
weir_status sandbox_make_settings(struct sandbox *sandbox, bool tls, weir_error *err);
#endif
