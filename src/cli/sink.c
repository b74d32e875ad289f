/* Writing without being held. A pipe is opened anew by its name in /proc, so that it can be written
 * without blocking and the descriptor that others share stays as it is; what cannot be opened is
 * written after poll() has said that there is room, of a pipe no more at once than surely fits.
 * Whoever waits for room looks for the end, too. */
#include "cli/sink.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cli/clock.h"

#define LOOK_EVERY 200 /* ms */

void sink_open(struct sink *sink, int stop_fd)
{
    struct stat file = {0};
    *sink = (struct sink){.fd = STDOUT_FILENO, .stop_fd = stop_fd};
    atomic_store(&sink->stop_at, INT64_MAX);
    (void)pthread_mutex_init(&sink->lock, NULL);
    bool pipe = fstat(STDOUT_FILENO, &file) == 0 && S_ISFIFO(file.st_mode);
    int mode = fcntl(STDOUT_FILENO, F_GETFL);
    if (!pipe || mode < 0 || (mode & O_ACCMODE) == O_RDONLY)
        return;
    int fd = open("/proc/self/fd/1", O_WRONLY | O_NONBLOCK | O_CLOEXEC);
    sink->in_parts = fd < 0 && !(mode & O_NONBLOCK);
    sink->own = fd >= 0;
    sink->fd = fd >= 0 ? fd : STDOUT_FILENO;
}

void sink_close(struct sink *sink)
{
    if (sink->own)
        (void)close(sink->fd);
    sink->own = false;
    (void)pthread_mutex_destroy(&sink->lock);
}

void sink_abandon(struct sink *sink)
{
    atomic_store(&sink->abandoned, true);
}

static void note_stop(struct sink *sink, weir_ms *until)
{
    struct pollfd stop = {.fd = sink->stop_fd, .events = POLLIN};
    if (*until != INT64_MAX)
        return;
    weir_ms now = clock_now();
    if (now >= atomic_load(&sink->stop_at) || poll(&stop, 1, 0) > 0)
        *until = now + atomic_load(&sink->patience);
}

/* Until there is room. 0, or errno. */
static int wait_for_room(struct sink *sink, weir_ms *until)
{
    struct pollfd room = {.fd = sink->fd, .events = POLLOUT};
    while (poll(&room, 1, LOOK_EVERY) <= 0) {
        note_stop(sink, until);
        if (atomic_load(&sink->abandoned) || clock_now() >= *until)
            return ECANCELED;
    }
    return 0;
}

static size_t step(struct iovec **pieces, size_t count, size_t wrote)
{
    while (count > 0 && wrote >= (*pieces)->iov_len) {
        wrote -= (*pieces)->iov_len;
        (*pieces)++;
        count--;
    }
    if (count > 0) {
        (*pieces)->iov_base = (char *)(*pieces)->iov_base + wrote;
        (*pieces)->iov_len -= wrote;
    }
    return count;
}

static ssize_t write_some(const struct sink *sink, const struct iovec *pieces, size_t count)
{
    if (!sink->in_parts)
        return writev(sink->fd, pieces, (int)(count < SINK_PIECES ? count : SINK_PIECES));
    size_t len = pieces->iov_len < PIPE_BUF ? pieces->iov_len : PIPE_BUF;
    return write(sink->fd, pieces->iov_base, len);
}

/* @locked */
static int write_all(struct sink *sink, struct iovec *pieces, size_t count)
{
    weir_ms until = INT64_MAX;
    int failed = 0;
    count = step(&pieces, count, 0);
    while (count > 0 && !failed) {
        if (sink->in_parts)
            failed = wait_for_room(sink, &until);
        ssize_t wrote = failed ? -1 : write_some(sink, pieces, count);
        if (wrote >= 0)
            count = step(&pieces, count, (size_t)wrote);
        else if (!failed && errno == EAGAIN)
            failed = wait_for_room(sink, &until);
        else if (!failed && errno != EINTR)
            failed = errno;
    }
    return failed;
}

int sink_write(struct sink *sink, struct iovec *pieces, size_t count)
{
    (void)pthread_mutex_lock(&sink->lock);
    int failed = atomic_load(&sink->failed);
    if (!failed && atomic_load(&sink->abandoned))
        failed = ECANCELED;
    if (!failed)
        failed = write_all(sink, pieces, count);
    atomic_store(&sink->failed, failed);
    (void)pthread_mutex_unlock(&sink->lock);
    return failed;
}
