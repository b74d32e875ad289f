/* bayeux/websocket_farewell.h - the end of a connection on which all is said. @thread io */
#ifndef BAYEUX_WEBSOCKET_FAREWELL_H
#define BAYEUX_WEBSOCKET_FAREWELL_H

#include "io/stream.h"

#define FAREWELL_MS 1000

/* The stream is taken over: what is queued leaves, what comes is dropped, and it is closed when the
 * peer has done so, or after FAREWELL_MS. Closing at once could take back what was said last: a
 * socket with unread bytes is reset. Without memory it is. */
void farewell(struct loop *loop, struct stream *stream);
#endif
