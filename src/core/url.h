/* core/url.h - taking a URL apart (RFC 3986), strictly: what is not understood is refused by name.
 */
#ifndef CORE_URL_H
#define CORE_URL_H

#include <weir/error.h>

struct url {
    char *scheme;   /* lower case                                              */
    char *userinfo; /* still percent-encoded, or NULL; a secret                */
    char *host;     /* lower case, without the brackets of an IPv6 address     */
    bool ipv6;      /* it stood in brackets                                    */
    uint16_t port;  /* 0: none given                                           */
    char *target;   /* path and query, at least "/"; without the fragment      */
};

/* `what` names it in the error: "the token URL". The text is quoted there with the userinfo as
 * "***". */
weir_status url_parse(struct url *out, const char *text, const char *what, weir_error *err);
void url_clear(struct url *url); /* frees and wipes; fine when zeroed */
/* 80 for http, 443 for https, else `fallback`. */
uint16_t url_port(const struct url *url, uint16_t fallback);
/* "host:port", "[::1]:port", "host", ":port" is INVALID; a port outside 1..65535 is INVALID. *port
 * is `default_port` when none is given. `host` gets no brackets; mem_free() it. */
weir_status hostport_parse(const char *text, uint16_t default_port, const char *what, char **host,
                           uint16_t *port, weir_error *err);
#endif
