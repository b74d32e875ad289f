/* steer.h - the second port of a peer, by which the tests steer it: bayeux/Server.java,
 * bayeux/servers.mjs, bayeux/lossy.py. */
#ifndef PEERS_STEER_H
#define PEERS_STEER_H

#include <stdbool.h>

/* "GET path" of the port on loopback; what it says, -1 when that is no number or nobody is there.
 * Waits at most 30 s. */
long steer(int port, const char *path);
/* Asks until it says at least `wanted`, for at most 20 s. */
bool steer_until(int port, const char *path, long wanted);
#endif
