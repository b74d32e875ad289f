/* Listening, for the sandbox and the tests. */
#include "io/stream_private.h"

#include "core/error.h"
#include "core/mem.h"

#include <arpa/inet.h>

struct listener {
    uv_tcp_t tcp;
    struct loop *loop;
    struct tls *tls;
    listener_fn *accepted;
    void *user;
    uint16_t port;
};

static void on_closed(uv_handle_t *handle)
{
    struct listener *l = handle->data;
    tls_free(l->tls);
    loop_release(l->loop);
    mem_free(l);
}

static void name_peer(struct stream *s)
{
    struct address peer = {.len = sizeof peer.sa};
    int len = (int)sizeof peer.sa;
    if (uv_tcp_getpeername(&s->uv.tcp, (struct sockaddr *)&peer.sa, &len) == 0)
        address_text(&peer, s->peer, sizeof s->peer);
}

static void on_connection(uv_stream_t *server, int status)
{
    struct listener *l = server->data;
    struct stream *s = status == 0 ? stream_make(l->loop, NULL) : NULL;
    if (!s)
        return;
    uv_tcp_init(loop_uv(l->loop), &s->uv.tcp);
    s->uv.handle.data = s;
    s->server = true;
    s->tls = tls_ref(l->tls);
    if (uv_accept(server, &s->uv.stream)) {
        stream_close(s);
        return;
    }
    uv_tcp_nodelay(&s->uv.tcp, 1);
    name_peer(s);
    l->accepted(l->user, s);
}

static int open_socket(struct listener *l, const struct address *address)
{
    int bad = uv_tcp_bind(&l->tcp, (const struct sockaddr *)&address->sa, 0);
    if (!bad)
        bad = uv_listen((uv_stream_t *)&l->tcp, 128, on_connection);
    struct sockaddr_storage bound;
    int len = (int)sizeof bound;
    if (!bad)
        bad = uv_tcp_getsockname(&l->tcp, (struct sockaddr *)&bound, &len);
    if (!bad) /* the port stands at the same place in both families */
        l->port = ntohs(((const struct sockaddr_in *)(const void *)&bound)->sin_port);
    return bad;
}

struct listener *listener_open(struct loop *loop, const struct listener_options *options,
                               weir_error *err)
{
    struct address address;
    struct listener *l = mem_zalloc(sizeof *l);
    if (!l || !address_parse(options->host, options->port, &address)) {
        error_set(err, l ? WEIR_INVALID : WEIR_NO_MEMORY,
                  "listening on '%s': a numeric address is wanted", options->host);
        mem_free(l);
        return NULL;
    }
    l->loop = loop_ref(loop);
    l->tls = tls_ref(options->tls);
    l->accepted = options->accepted;
    l->user = options->user;
    uv_tcp_init(loop_uv(loop), &l->tcp);
    l->tcp.data = l;
    int bad = open_socket(l, &address);
    if (!bad)
        return l;
    error_system(err, WEIR_UNREACHABLE, -bad, "listening on %s:%u", options->host, options->port);
    listener_close(l);
    return NULL;
}

uint16_t listener_port(const struct listener *listener)
{
    return listener->port;
}

void listener_close(struct listener *listener)
{
    if (listener)
        uv_close((uv_handle_t *)&listener->tcp, on_closed);
}
