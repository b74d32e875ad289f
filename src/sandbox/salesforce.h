/* sandbox/salesforce.h - a Salesforce-like server and a plain CometD one, on one port:
 *
 *   POST /services/oauth2/token                  sandbox/token_salesforce.h
 *   POST /cometd/NN.0, with anything behind it   Bayeux in Salesforce's dialect
 *   POST /services/data/vNN.0/sobjects/NAME__e   publishes a platform event
 *   POST /bayeux, with anything behind it        Bayeux as CometD speaks it
 *
 * What is retained outlives the server on the network; sessions do not. Everything is @thread io,
 * but for making and freeing it. */
#ifndef SANDBOX_SALESFORCE_H
#define SANDBOX_SALESFORCE_H

#include "core/json.h"
#include "io/tls.h"
#include "sandbox/salesforce_log.h"
#include "sandbox/service.h"

#define SALESFORCE_TOKEN_PATH  "/services/oauth2/token"
#define SALESFORCE_COMETD_PATH "/cometd"
#define BAYEUX_PATH            "/bayeux"
#define SALESFORCE_EMIT_MAX    1000 /* events of one emission */

struct salesforce;

struct salesforce_options {
    struct common *common; /* borrowed; it has tokens */
    struct tls *tls;
    weir_ms hold;            /* of a connect; 0: 110 s, in plain CometD 30 s                      */
    weir_ms session_timeout; /* without a connect; 0: 40 s, in plain CometD 10 s                  */
    weir_ms cookie_life;     /* of sfdc-stream; 0: 3 hours                                        */
    size_t batch_events;     /* of one answer; 0: no limit                                        */
    size_t batch_bytes;      /* likewise; 0: 512 KiB                                              */
    size_t sessions_max;     /* 0: 2000                                                           */
    bool no_gzip;
    const char *const
        *channels; /* those there are, by NULL; NULL: any that is well-formed; borrowed */
    struct sflog_options log;
};

struct salesforce *salesforce_new(const struct salesforce_options *options, weir_error *err);
void salesforce_free(struct salesforce *sf); /* closed before */
weir_status salesforce_open(struct salesforce *sf, uint16_t port, weir_error *err);
bool salesforce_is_open(const struct salesforce *sf);
void salesforce_close(struct salesforce *sf);

struct salesforce_emission {
    const char *service; /* "salesforce" or "bayeux"                                         */
    const char *channel;
    const json_t *data; /* fields, a payload (/u/), or the data of a plain event             */
    int64_t count;      /* so many, numbered by their member Number__c; 0: one without a number */
    int64_t first;      /* the first number; 0: 1                                            */
    size_t pad;         /* a member Pad__c of so many bytes in each                          */
    int64_t id;         /* the first replay id; 0: the next one                              */
};
/* Replay ids are added to `ids`, a line each. */
weir_status salesforce_emit(struct salesforce *sf, const struct salesforce_emission *emission,
                            struct buf *ids, weir_error *err);
/* "salesforce forget [CHANNEL [KEEP]]", "salesforce expire|reroute|stop|start|kill|disconnect"; the
 * last two of bayeux, too. Stopping ends both servers on the network. */
weir_status salesforce_order(struct salesforce *sf, const char *line, weir_error *err);
#endif
