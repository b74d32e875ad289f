/* io/proxy.h - which proxy a connection goes through: HTTPS_PROXY, HTTP_PROXY, ALL_PROXY and
 * NO_PROXY in their usual meaning (lower case wins; HTTP_PROXY in upper case is ignored when
 * REQUEST_METHOD is set, as curl does). */
#ifndef IO_PROXY_H
#define IO_PROXY_H

#include "core/url.h"

/* `option` is an option's text: NULL reads the environment, WEIR_OMIT or "" is none. `tls`: whether
 * the connection will be encrypted. out->host NULL: connect directly. url_clear() what is found;
 * its scheme is "http" and its port is filled. NO_PROXY, and that this machine itself is never
 * asked for through a proxy, concern proxies of the environment only. WEIR_INVALID names the
 * variable. */
weir_status proxy_for(const char *option, const char *host, uint16_t port, bool tls,
                      struct url *out, weir_error *err);
/* Basic authentication (RFC 7617) from an URL's user part, "Basic ...": for a proxy, or a server.
 * secret_free_text(); NULL: no memory. */
char *proxy_authorization(const char *userinfo);
#endif
