/* lib/tunnel.h - an HTTP CONNECT proxy on a thread: one tunnel at a time. */
#ifndef LIB_TUNNEL_H
#define LIB_TUNNEL_H

struct tunnel;

/* `answer`: the status line it gives, "HTTP/1.1 200 OK"; anything else forwards nothing. */
struct tunnel *tunnel_start(const char *answer);
unsigned tunnel_port(const struct tunnel *t);
/* What the last client said before the empty line. Only after tunnel_join(). */
const char *tunnel_request(const struct tunnel *t);
void tunnel_join(struct tunnel *t); /* waits for the client to close; serves nobody any more */
void tunnel_free(struct tunnel *t);
#endif
