/* Holding a port: a socket that is bound and never listens. With SO_REUSEADDR on both, another
 * socket may be bound to the same port and listen; the kernel gives the number to nobody who asks
 * for a free one. So a service that is stopped finds its port again. */
#include "sandbox/place.h"

#include "core/buf.h"
#include "core/error.h"
#include "core/log.h"

#include <arpa/inet.h>
#include <errno.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define PATH_LENGTH_MAX 4096

char *place_folder(weir_error *err)
{
    struct buf path = BUF_INIT(PATH_LENGTH_MAX);
    const char *base = getenv("TMPDIR");
    buf_addf(&path, "%s/weir-sandbox-XXXXXX", base && *base ? base : "/tmp");
    if (buf_finish(&path, err) != WEIR_OK)
        return NULL;
    if (mkdtemp(path.data))
        return path.data;
    error_system(err, WEIR_STORE, errno, "making the folder \"%s\"", path.data);
    buf_free(&path);
    return NULL;
}

static int remove_one(const char *path, const struct stat *what, int kind, struct FTW *where)
{
    (void)what;
    (void)kind;
    (void)where;
    if (remove(path) != 0 && errno != ENOENT)
        log_at(WEIR_LOG_WARN, "sandbox", "", "cannot remove \"%s\": %s", path, strerror(errno));
    return 0;
}

void place_remove(const char *folder)
{
    if (folder)
        (void)nftw(folder, remove_one, 8, FTW_DEPTH | FTW_PHYS | FTW_MOUNT);
}

static int bind_port(int fd, struct sockaddr_in *address)
{
    int yes = 1;
    socklen_t len = sizeof *address;
    if (setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes) != 0 ||
        bind(fd, (const struct sockaddr *)address, len) != 0 ||
        getsockname(fd, (struct sockaddr *)address, &len) != 0)
        return errno;
    return 0;
}

weir_status place_hold(struct place_port *out, uint16_t port, weir_error *err)
{
    struct sockaddr_in address = {.sin_family = AF_INET,
                                  .sin_port = htons(port),
                                  .sin_addr = {.s_addr = htonl(INADDR_LOOPBACK)}};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    int bad = fd < 0 ? errno : bind_port(fd, &address);
    *out = (struct place_port){.fd = fd, .number = ntohs(address.sin_port)};
    if (!bad)
        return error_ok(err);
    place_let_go(out);
    return error_system(err, bad == EADDRINUSE ? WEIR_CONFLICT : WEIR_UNREACHABLE, bad,
                        "taking the port 127.0.0.1:%u", (unsigned)port);
}

void place_let_go(struct place_port *port)
{
    if (port->fd >= 0)
        close(port->fd);
    port->fd = -1;
}
