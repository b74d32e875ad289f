/* sandbox/sandbox.h - local stand-ins for the services, with scripted faults: a development aid,
 * and what the integration tests run against. Everything may be called from any thread. */
#ifndef SANDBOX_SANDBOX_H
#define SANDBOX_SANDBOX_H

#include <weir/error.h>

struct sandbox;

struct sandbox_options {
    const char *only; /* "zeebe,oauth"; NULL: all there are                                       */
    uint16_t port_base; /* 0: free ports */
    bool tls;        /* gateway and token endpoint with a certificate made at the start          */
    weir_ms latency; /* added to every answer                                                    */
    const char *log_file;      /* every request as a JSON line, credentials redacted */
    const char *const *deploy; /* files, ended by NULL; NULL: none */
    /* For tests: */
    const char *client_ca_file; /* with tls: the gateway demands client certificates it signed */
    bool require_token; /* the gateway refuses calls without a token this sandbox issued         */
    int token_expires_in;            /* seconds; 0: 300; below 0: the member is left out       */
    unsigned max_concurrent_streams; /* of a gateway connection; 0: 100 */
};

struct sandbox *sandbox_start(const struct sandbox_options *options, weir_error *err);
void sandbox_stop(struct sandbox *sandbox);
/* The variables that point clients at it: index 0.., false after the last. */
bool sandbox_setting(const struct sandbox *sandbox, size_t index, const char **name,
                     const char **value);
const char *sandbox_value(const struct sandbox *sandbox, const char *name); /* NULL: not set */
/* A line as `weir sandbox fault` takes it: "zeebe.Topology 3 status:UNAVAILABLE --after 2s". */
weir_status sandbox_fault(struct sandbox *sandbox, const char *line, weir_error *err);
/* Such lines, blank ones and comments; all or none. Errors begin with "NAME:LINE". */
weir_status sandbox_script(struct sandbox *sandbox, const char *text, size_t len, const char *name,
                           weir_error *err);
/* JSON Lines of every request so far; weir_free(). */
char *sandbox_requests(struct sandbox *sandbox, weir_error *err);
/* How many requests of `what` ("token", "zeebe.Topology", "zeebe.connections") have arrived. */
uint64_t sandbox_count(struct sandbox *sandbox, const char *what);
/* Starts a service again on its port / closes its listener and connections: "zeebe", "oauth". */
weir_status sandbox_service_stop(struct sandbox *sandbox, const char *service, weir_error *err);
weir_status sandbox_service_start(struct sandbox *sandbox, const char *service, weir_error *err);
#endif
