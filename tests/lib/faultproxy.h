/* lib/faultproxy.h - a TCP proxy for tests, on a thread of its own with plain sockets: forwards
 * 127.0.0.1 to a port of 127.0.0.1 and misbehaves when told to. Any thread may call; what is told
 * holds for every connection, present and future, from the time the call returns. */
#ifndef LIB_FAULTPROXY_H
#define LIB_FAULTPROXY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct faultproxy;

struct faultproxy *faultproxy_start(uint16_t to_port);
void faultproxy_stop(struct faultproxy *p); /* connections are closed; NULL is fine */
uint16_t faultproxy_port(const struct faultproxy *p);

/* Every piece waits this long; 0: no delay. */
void faultproxy_delay(struct faultproxy *p, int64_t ms);
/* In each direction of each connection; 0: as fast as it goes. */
void faultproxy_throttle(struct faultproxy *p, size_t bytes_per_second);
/* True: accepts, but reads, forwards and closes nothing (half-open connections, black holes). */
void faultproxy_freeze(struct faultproxy *p, bool frozen);
/* True: nobody listens any more (ECONNREFUSED); open connections stay. */
void faultproxy_refuse(struct faultproxy *p, bool refuse);
/* Inverts the next `bytes` bytes that go to clients. */
void faultproxy_garble(struct faultproxy *p, size_t bytes);
/* Resets all connections, both sides. */
void faultproxy_cut(struct faultproxy *p);
/* Says to all clients that nothing more comes (FIN), but takes what they send. */
void faultproxy_half_close(struct faultproxy *p);

struct faultproxy_stats {
    size_t connections; /* accepted so far */
    size_t open;
    uint64_t to_server, to_client; /* bytes forwarded */
};
struct faultproxy_stats faultproxy_stats(struct faultproxy *p);
/* Waits until so many connections have been accepted; false after 10 s. */
bool faultproxy_wait_connections(struct faultproxy *p, size_t connections);
/* ... so many bytes have been forwarded, both directions together. */
bool faultproxy_wait_bytes(struct faultproxy *p, uint64_t bytes);
#endif
