/* lib/h2server.h - a gRPC server for tests, on a thread of its own: nghttp2's server side, with the
 * faults that a scenario wants. Any thread may call.
 *
 *   /t/echo    answers with what it got
 *   /t/gzip    the same, with grpc-encoding: gzip
 *   /t/hold    answers like echo once h2server_release() is called
 *   /t/flood   streams 1 KB messages for ever, as fast as the window lets it
 *   /t/missing trailers only: NOT_FOUND "no such thing"
 *   /t/http    an HTTP 503 with a text
 *   /t/refuse  RST_STREAM REFUSED_STREAM the first two times, then echo
 *
 * and RPCs of the gateway, answered likewise: PublishMessage holds, StreamActivatedJobs floods,
 * CompleteJob is missing, CancelProcessInstance gets the 503, DeleteResource is refused first,
 * ActivateJobs streams five messages, anything else is echoed. */
#ifndef LIB_H2SERVER_H
#define LIB_H2SERVER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct h2server;

struct h2server_options {
    const char *host;     /* NULL: 127.0.0.1 */
    uint32_t max_streams; /* 0: 1000 */
    bool echo_jobs;  /* ActivateJobs answers with the request, five times: its type is read as a job
                      */
    bool no_streams; /* MAX_CONCURRENT_STREAMS 0 */
};

struct h2server *h2server_start(const struct h2server_options *options);
void h2server_stop(struct h2server *s); /* connections are cut */
uint16_t h2server_port(const struct h2server *s);
void h2server_release(struct h2server *s);
/* Reads and writes nothing any more, and answers no pings; connections stay open. */
void h2server_freeze(struct h2server *s);
/* GOAWAY on every connection; the first `keep` of its held calls count as processed. */
void h2server_goaway(struct h2server *s, size_t keep);
/* The same with all calls kept, but only on the `count` connections that were made first. */
void h2server_goaway_first(struct h2server *s, size_t count);
/* Those are cut. */
void h2server_cut_first(struct h2server *s, size_t count);
/* SETTINGS with another limit of streams on every connection, now and later. */
void h2server_limit(struct h2server *s, uint32_t max_streams);

/* New connections are closed at once, or not any more. */
void h2server_deafen(struct h2server *s, bool deaf);

/* All so far, but `open` calls and `links`: connections that are open now. `most_held`: held calls
 * that a connection had at once. */
struct h2server_stats {
    size_t connections, requests, held, open, most_open, links, most_held;
    uint64_t flood_bytes;
};
struct h2server_stats h2server_stats(struct h2server *s);
/* Waits until `holds(stats, user)`; false after 30 s. */
bool h2server_wait(struct h2server *s, bool (*holds)(const struct h2server_stats *st, size_t n),
                   size_t n);
#endif
