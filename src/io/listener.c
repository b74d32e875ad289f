/* Listening, for the sandbox and the tests.
 *
 * libuv takes no connection any more until the one it has announced is accepted. One that there is
 * no memory for is therefore accepted into `refused`, which belongs to the listener, and closed;
 * another that comes before it is gone waits for that. */
#include "io/stream_private.h"

#include "core/error.h"
#include "core/mem.h"

#include <arpa/inet.h>

struct listener {
    uv_tcp_t tcp, refused;
    bool refusing, waiting; /* `refused` is being closed; another has come meanwhile */
    unsigned holds;         /* handles that are not closed yet */
    struct loop *loop;
    struct tls *tls;
    listener_fn *accepted;
    void *user;
    uint16_t port;
};

static void release(struct listener *l)
{
    if (--l->holds > 0)
        return;
    tls_free(l->tls);
    loop_release(l->loop);
    mem_free(l);
}

static void on_closed(uv_handle_t *handle)
{
    release(handle->data);
}

static void refuse(struct listener *l);

static void on_refused(uv_handle_t *handle)
{
    struct listener *l = handle->data;
    bool again = l->waiting && !uv_is_closing((uv_handle_t *)&l->tcp);
    l->refusing = l->waiting = false;
    if (again)
        refuse(l);
    release(l);
}

static void refuse(struct listener *l)
{
    l->waiting = l->refusing;
    if (l->refusing)
        return;
    uv_tcp_init(loop_uv(l->loop), &l->refused);
    l->refused.data = l;
    l->refusing = true;
    l->holds++;
    (void)uv_accept((uv_stream_t *)&l->tcp, (uv_stream_t *)&l->refused);
    uv_close((uv_handle_t *)&l->refused, on_refused);
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
    if (status != 0)
        return; /* none is announced: no descriptors, say */
    struct stream *s = stream_make(l->loop, NULL);
    if (!s) {
        refuse(l);
        return;
    }
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
    l->holds = 1;
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
