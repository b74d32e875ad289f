/* sandbox/sandbox.h - local stand-ins for the services, with scripted faults: a development aid,
 * and what the integration tests run against. Everything may be called from any thread. */
#ifndef SANDBOX_SANDBOX_H
#define SANDBOX_SANDBOX_H

#include <weir/error.h>

struct sandbox;

/* How the Salesforce-like server differs from the real one. 0: as the real one. */
struct sandbox_salesforce {
    weir_ms hold;            /* of a connect; 110 s (plain CometD: 30 s)                         */
    weir_ms session_timeout; /* without a connect; 40 s (plain CometD: 10 s)                     */
    weir_ms cookie_life;     /* of sfdc-stream; 3 hours                                          */
    weir_ms keep_for;        /* retention; 72 hours                                              */
    size_t keep;             /* events of a channel; a million                                   */
    size_t batch_events;     /* of one answer; no limit                                          */
    size_t batch_bytes;      /* likewise; 512 KiB                                                */
    size_t sessions_max;     /* 2000                                                             */
    int64_t first_id;        /* replay id of the first event; about a thousand                   */
    int token_life_s;        /* of a token that is not used; 2 hours                             */
    bool no_gzip;
    const char *const *channels; /* those there are, by NULL; NULL: any that is well-formed;
                                    borrowed until the sandbox is stopped */
};

struct sandbox_options {
    const char *only; /* "zeebe,oauth,salesforce"; NULL: all there are                            */
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
    struct sandbox_salesforce salesforce;
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
/* Events for whoever has subscribed, and retained: as `weir sandbox emit`. */
struct sandbox_emission {
    const char *service; /* "bayeux"; NULL: "salesforce"                                         */
    const char *channel;
    const char *data; /* JSON: fields, or a payload (/u/), or a plain event's data; NULL: {}     */
    int64_t count; /* so many, numbered from `first` on by their member Number__c; 0: one without */
    int64_t first; /* 0: 1                                                                    */
    size_t pad;    /* a member Pad__c of so many bytes                                        */
    int64_t id;    /* replay id of the first; 0: the next one                                 */
};
/* *last (may be NULL): the last one's replay id. */
weir_status sandbox_emit(struct sandbox *sandbox, const struct sandbox_emission *emission,
                         int64_t *last, weir_error *err);
/* What happens now, to all: "salesforce kill", as `weir sandbox now`. */
weir_status sandbox_now(struct sandbox *sandbox, const char *line, weir_error *err);
/* Starts a service again on its port / closes its listener and connections: "zeebe", "oauth",
 * "salesforce" (whose sessions are gone then; what is retained stays). */
weir_status sandbox_service_stop(struct sandbox *sandbox, const char *service, weir_error *err);
weir_status sandbox_service_start(struct sandbox *sandbox, const char *service, weir_error *err);
#endif
