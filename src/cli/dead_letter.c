/* Dead letters, a JSON line each: {"time","channel","replayId","id","tries","error","event"}. A
 * line is written at once and synced before the event is acknowledged, so none is lost between the
 * two; killed between them, it may be there twice. */
#include "cli/dead_letter.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <pthread.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "cli/fail.h"
#include "cli/listen_line.h"
#include "cli/session.h"

struct dead_letter {
    pthread_mutex_t lock;
    const char *path; /* argv's */
    int fd;
};

static bool is_torn(int fd)
{
    off_t len = lseek(fd, 0, SEEK_END);
    char last = '\n';
    return len > 0 && pread(fd, &last, 1, len - 1) == 1 && last != '\n';
}

static int write_all(int fd, const char *bytes, size_t len)
{
    while (len > 0) {
        ssize_t wrote = write(fd, bytes, len);
        if (wrote < 0 && errno != EINTR)
            return errno;
        bytes += wrote > 0 ? wrote : 0;
        len -= wrote > 0 ? (size_t)wrote : 0;
    }
    return 0;
}

struct dead_letter *dead_letter_open(const char *path, weir_error *err)
{
    int fd = open(path, O_RDWR | O_APPEND | O_CREAT | O_CLOEXEC, 0600);
    int bad = fd < 0 ? errno : 0;
    if (!bad && is_torn(fd))
        bad = write_all(fd, "\n", 1);
    if (bad) {
        (void)fail_set_system(err, bad, "--dead-letter: cannot write %s", path);
        if (fd >= 0)
            (void)close(fd);
        return NULL;
    }
    struct dead_letter *file = memory_or_exit(NULL, 1, sizeof *file);
    *file = (struct dead_letter){.path = path, .fd = fd};
    (void)pthread_mutex_init(&file->lock, NULL);
    return file;
}

static void add_attr(struct str *line, const char *member, const weir_event *event,
                     const char *name)
{
    const char *value = weir_event_attr(event, name);
    if (!value)
        return;
    str_addf(line, "\"%s\":", member);
    str_add_json(line, value);
    str_add(line, ",");
}

static weir_status make_line(struct str *line, const weir_event *event, int64_t tries,
                             const char *why, weir_error *err)
{
    struct str room = {0};
    char when[32];
    struct tm utc = {0};
    const time_t now = (time_t)session_now();
    (void)gmtime_r(&now, &utc);
    (void)strftime(when, sizeof when, "%Y-%m-%dT%H:%M:%SZ", &utc);
    str_addf(line, "{\"time\":\"%s\",", when);
    add_attr(line, "channel", event, "channel");
    add_attr(line, "replayId", event, "replayid");
    add_attr(line, "id", event, "id");
    str_addf(line, "\"tries\":%" PRId64 ",\"error\":", tries);
    str_add_json(line, why);
    weir_bytes text = listen_line(event, FORMAT_MESSAGE, &room, err);
    if (text.data) {
        str_add(line, ",\"event\":");
        str_add_bytes(line, text.data, text.len);
        str_add(line, "}\n");
    }
    str_free(&room);
    return text.data ? WEIR_OK : err->status;
}

weir_status dead_letter_add(struct dead_letter *file, const weir_event *event, int64_t tries,
                            const char *why, weir_error *err)
{
    struct str line = {0};
    weir_status status = make_line(&line, event, tries, why, err);
    if (status == WEIR_OK) {
        (void)pthread_mutex_lock(&file->lock);
        int bad = write_all(file->fd, line.data, line.len);
        if (!bad && fsync(file->fd) != 0 && errno != EINVAL && errno != EROFS)
            bad = errno; /* EINVAL: what is no file, a pipe, cannot be synced */
        (void)pthread_mutex_unlock(&file->lock);
        if (bad)
            status = fail_set_system(err, bad, "--dead-letter: cannot write %s", file->path);
    }
    str_free(&line);
    return status;
}

void dead_letter_close(struct dead_letter *file)
{
    if (!file)
        return;
    (void)close(file->fd);
    (void)pthread_mutex_destroy(&file->lock);
    release_memory(file);
}
