/* lib/rawserver.h - a server that says what a script says, byte by byte: for answers that no honest
 * HTTP/2 library would give. */
#ifndef LIB_RAWSERVER_H
#define LIB_RAWSERVER_H

#include "core/buf.h"

struct rawserver;

struct rawscript {
    struct buf greeting; /* at once after the connection was accepted                    */
    struct buf answer;   /* when the request has arrived (its END_STREAM)                */
    struct buf flood;    /* then again and again, until the client has gone; or empty    */
    struct buf on_ack;   /* when the client has acknowledged the greeting's SETTINGS; or empty */
    size_t piece;        /* bytes of the answer given to the socket at a time; 0: all    */
    bool hang_up;        /* close after the answer                                       */
    bool mends;          /* every later call is answered as it should be                 */
};

void raw_frame(struct buf *b, uint8_t type, uint8_t flags, uint32_t stream, const void *payload,
               size_t len);
void raw_header(struct buf *block, const char *name, const char *value); /* HPACK, literal */
void raw_headers(struct buf *b, uint8_t flags, const struct buf *block); /* HEADERS, stream 1 */
void raw_grpc_headers(struct buf *b); /* :status 200, application/grpc */
void raw_trailers(struct buf *b, const char *grpc_status);

/* Takes the script over. Serves any number of connections, one after the other. */
struct rawserver *rawserver_start(struct rawscript *script);
unsigned rawserver_port(const struct rawserver *s);
void rawserver_stop(struct rawserver *s);
#endif
