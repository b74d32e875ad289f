/* cli/endpoint.h - where a gateway or a token endpoint is, as people write it. Pure; any thread. */
#ifndef CLI_ENDPOINT_H
#define CLI_ENDPOINT_H

#include <weir/error.h>

enum endpoint_scheme { SCHEME_NONE = 0, SCHEME_PLAIN, SCHEME_TLS };

struct endpoint {
    enum endpoint_scheme scheme; /* grpc and http: plain; grpcs and https: TLS */
    char host[256];              /* without the brackets of an IPv6 address */
    int port;                    /* 0: none given */
    char opaque[280];            /* a name of gRPC's without a host of its own: "unix:/path" */
    bool local;                  /* that of `opaque` */
};

/* "HOST", "HOST:PORT", "[IPV6]:PORT", "IPV6", each also behind a scheme; gRPC's
 * names "dns:HOST", "dns:///HOST", "unix:PATH", "ipv4:A,B" and "ipv6:A,B". `what` names the text in
 * the error ("--address"): WEIR_INVALID says what is wrong with it. */
weir_status endpoint_parse(struct endpoint *out, const char *text, const char *what,
                           weir_error *err);
/* The text of a port, 1 to 65535; 0: it is none. */
int endpoint_port(const char *text);
/* "host:port", "[::1]:port" */
void endpoint_target(const struct endpoint *endpoint, char out[280]);

/* localhost, whatever ends in .localhost, 127.0.0.0/8 and ::1: what leaves no machine. */
bool endpoint_is_loopback(const char *host);
/* The same for a whole endpoint, whose opaque name may be a socket or a list of addresses. */
bool endpoint_is_local(const struct endpoint *endpoint);
/* Is it `domain` or below it, in any case of letters? */
bool endpoint_is_under(const char *host, const char *domain);

/* Of an http or https URL: would what is sent there leave the machine without TLS? A text that is
 * no such URL is left to whoever opens it: false. */
bool endpoint_url_exposes(const char *url);
/* The URL with what stands in front of '@' as ***; `out` is cut when too small. */
void endpoint_redact(const char *url, char *out, size_t size);
#endif
