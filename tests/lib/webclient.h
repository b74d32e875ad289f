/* lib/webclient.h - a blocking HTTP client on a plain socket, for tests of what a server says byte
 * by byte. Every wait ends after 20 s. */
#ifndef LIB_WEBCLIENT_H
#define LIB_WEBCLIENT_H

#include <stddef.h>
#include <stdint.h>

/* Sends `request` to 127.0.0.1:port and reads until the server closes or `enough` bytes are there
 * (SIZE_MAX: until it closes). The text, mem_free(); NULL: no connection. */
char *web_talk(uint16_t port, const char *request, size_t enough);
/* One request with Connection: close. `url` is "http://127.0.0.1:PORT/PATH"; body NULL: none. */
char *web_ask(const char *method, const char *url, const char *type, const char *body);
/* Connects; -1: refused. */
int web_connect(uint16_t port);
void web_send(int fd, const char *text);
/* Until `end` has been read, or the server closes: then what there was; mem_free(). */
char *web_read(int fd, const char *end);
uint16_t web_port_of(const char *url); /* "127.0.0.1:1", with or without a scheme */
#endif
