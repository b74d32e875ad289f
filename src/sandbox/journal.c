/* The request log. A line is made when the request arrives and completed when it ends, so that one
 * which hangs is seen, too. Unfinished entries are never evicted (they are as few as the services
 * let in at once), so a pointer to one stays good until journal_end(). */
#include "sandbox/journal.h"

#include "core/buf.h"
#include "core/error.h"
#include "core/log.h"
#include "core/mem.h"
#include "core/text.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <sys/queue.h>
#include <time.h>
#include <unistd.h>

struct journal_entry {
    TAILQ_ENTRY(journal_entry) link;
    int64_t began_ns;
    bool done;
    char *line; /* without '\n' and, until it is done, without its end */
    size_t len;
};

TAILQ_HEAD(entry_list, journal_entry);

struct tally {
    char *name;
    uint64_t count;
};

struct journal {
    pthread_mutex_t lock;
    const struct clock *clock;
    struct entry_list entries;
    size_t bytes; /* of all lines */
    uint64_t number;
    struct tally tallies[JOURNAL_MAX_NAMES];
    size_t tally_count;
    int fd;
    bool file_failed; /* said once */
};

static const char *const secret_names[] = {"authorization",
                                           "proxy-authorization",
                                           "cookie",
                                           "client_secret",
                                           "password",
                                           "refresh_token",
                                           "client_assertion",
                                           "assertion",
                                           "access_token",
                                           "token",
                                           "code",
                                           NULL};

static bool is_secret(const char *name)
{
    for (size_t i = 0; secret_names[i]; i++) {
        if (strcasecmp(name, secret_names[i]) == 0)
            return true;
    }
    return false;
}

static void add_char(struct buf *out, char c)
{
    if (c == '"' || c == '\\')
        buf_addf(out, "\\%c", c);
    else if ((unsigned char)c < 0x20 || c == 0x7f)
        buf_addf(out, "\\u%04x", (unsigned)c);
    else
        buf_add(out, &c, 1);
}

/* What is no UTF-8 is shown byte by byte, as Latin-1. */
static void add_string(struct buf *out, const char *text)
{
    bool utf8 = text_is_utf8(text, strlen(text));
    buf_adds(out, "\"");
    for (; *text; text++) {
        if (!utf8 && (unsigned char)*text >= 0x80)
            buf_addf(out, "\\u%04x", (unsigned)(unsigned char)*text);
        else
            add_char(out, *text);
    }
    buf_adds(out, "\"");
}

static void add_member(struct buf *out, const char *name, const char *value)
{
    if (!value)
        return;
    buf_adds(out, ",");
    add_string(out, name);
    buf_adds(out, ":");
    add_string(out, value);
}

/* "Bearer ***": the scheme is worth knowing, and a header without one is all secret. */
static void add_redacted(struct buf *out, const char *name, const char *value)
{
    char shown[40];
    size_t scheme = strcspn(value, " ");
    bool header = strcasecmp(name, "authorization") == 0 && value[scheme] && scheme < 30;
    (void)snprintf(shown, sizeof shown, "%.*s***", (int)(header ? scheme + 1 : 0), value);
    add_string(out, shown);
}

static void add_pairs(struct buf *out, const char *name, const struct journal_pair *pairs,
                      size_t count)
{
    if (!count)
        return;
    buf_addf(out, ",\"%s\":{", name);
    for (size_t i = 0; i < count; i++) {
        const char *value = pairs[i].value ? pairs[i].value : "";
        buf_adds(out, i ? "," : "");
        add_string(out, pairs[i].name);
        buf_adds(out, ":");
        if (is_secret(pairs[i].name))
            add_redacted(out, pairs[i].name, value);
        else
            add_string(out, value);
    }
    buf_adds(out, "}");
}

static void add_time(struct buf *out, int64_t wall_ns)
{
    struct tm parts = {0};
    char text[32] = "";
    time_t seconds = (time_t)(wall_ns / NS_PER_S);
    gmtime_r(&seconds, &parts);
    (void)strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%S", &parts);
    buf_addf(out, ",\"time\":\"%s.%03dZ\"", text, (int)(wall_ns % NS_PER_S / NS_PER_MS));
}

/* @locked. Everything but status and duration. NULL: too long, or no memory. */
static char *begin_line(struct journal *journal, const struct journal_request *request, size_t *len)
{
    struct buf line = BUF_INIT(JOURNAL_MAX_LINE);
    buf_addf(&line, "{\"number\":%llu", (unsigned long long)journal->number);
    add_time(&line, clock_wall(journal->clock));
    add_member(&line, "service", request->service);
    add_member(&line, "what", request->what);
    add_member(&line, "path", request->path);
    add_member(&line, "peer", request->peer);
    add_member(&line, "fault", request->fault);
    add_pairs(&line, "headers", request->headers, request->header_count);
    add_pairs(&line, "form", request->form, request->form_count);
    if (line.failed)
        return NULL;
    *len = line.len;
    return line.data;
}

/* @locked. Returns false when the name is new and the table is full. */
static bool tally(struct journal *journal, const char *name)
{
    size_t i = 0;
    while (i < journal->tally_count && strcmp(journal->tallies[i].name, name) != 0)
        i++;
    if (i == JOURNAL_MAX_NAMES)
        return false;
    if (i == journal->tally_count) {
        char *copy = mem_strdup(name);
        if (!copy)
            return false;
        journal->tallies[journal->tally_count++] = (struct tally){copy, 0};
    }
    journal->tallies[i].count++;
    return true;
}

/* @locked */
static void drop(struct journal *journal, struct journal_entry *entry)
{
    TAILQ_REMOVE(&journal->entries, entry, link);
    journal->bytes -= entry->len;
    mem_free(entry->line);
    mem_free(entry);
}

/* @locked. Makes room for `more` bytes; false: what is unfinished fills it all. */
static bool make_room(struct journal *journal, size_t more)
{
    struct journal_entry *entry = TAILQ_FIRST(&journal->entries);
    while (entry && journal->bytes + more > JOURNAL_MAX_BYTES) {
        struct journal_entry *next = TAILQ_NEXT(entry, link);
        if (entry->done)
            drop(journal, entry);
        entry = next;
    }
    return journal->bytes + more <= JOURNAL_MAX_BYTES;
}

struct journal *journal_new(const struct clock *clock, const char *file, weir_error *err)
{
    int fd = file ? open(file, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600) : -1;
    if (file && fd < 0) {
        error_system(err, WEIR_STORE, errno, "cannot open the log file \"%s\"", file);
        return NULL;
    }
    struct journal *journal = mem_zalloc(sizeof *journal);
    if (!journal) {
        if (fd >= 0)
            close(fd);
        error_no_memory(err);
        return NULL;
    }
    pthread_mutex_init(&journal->lock, NULL);
    TAILQ_INIT(&journal->entries);
    journal->clock = clock;
    journal->fd = fd;
    return journal;
}

void journal_free(struct journal *journal)
{
    if (!journal)
        return;
    while (!TAILQ_EMPTY(&journal->entries))
        drop(journal, TAILQ_FIRST(&journal->entries));
    for (size_t i = 0; i < journal->tally_count; i++)
        mem_free(journal->tallies[i].name);
    if (journal->fd >= 0)
        close(journal->fd);
    pthread_mutex_destroy(&journal->lock);
    mem_free(journal);
}

/* @locked */
static struct journal_entry *new_entry(struct journal *journal,
                                       const struct journal_request *request)
{
    size_t len = 0;
    char *line = begin_line(journal, request, &len);
    struct journal_entry *entry = line ? mem_zalloc(sizeof *entry) : NULL;
    if (!entry || !make_room(journal, len)) {
        mem_free(line);
        mem_free(entry);
        return NULL;
    }
    entry->line = line;
    entry->len = len;
    entry->began_ns = clock_mono(journal->clock);
    journal->bytes += len;
    TAILQ_INSERT_TAIL(&journal->entries, entry, link);
    return entry;
}

struct journal_entry *journal_begin(struct journal *journal, const struct journal_request *request)
{
    pthread_mutex_lock(&journal->lock);
    journal->number++;
    tally(journal, request->what);
    if (strcmp(request->what, request->service) != 0)
        tally(journal, request->service);
    struct journal_entry *entry = new_entry(journal, request);
    pthread_mutex_unlock(&journal->lock);
    return entry;
}

/* @locked. A line is one write, so that lines of two sandboxes in one file stay whole. */
static void write_file(struct journal *journal, const struct journal_entry *entry)
{
    struct buf line = BUF_INIT(JOURNAL_MAX_LINE + 256);
    if (journal->fd < 0)
        return;
    buf_add(&line, entry->line, entry->len);
    buf_adds(&line, "\n");
    ssize_t written = line.failed ? -1 : write(journal->fd, line.data, line.len);
    if (written != (ssize_t)line.len && !journal->file_failed) {
        journal->file_failed = true;
        log_at(WEIR_LOG_WARN, "sandbox", "", "the log file cannot be written: %s", strerror(errno));
    }
    buf_free(&line);
}

static bool is_number(const char *text)
{
    int64_t number = 0;
    return text_number(text, 0, INT32_MAX, &number);
}

static void add_end(struct buf *out, const char *status, int64_t ms)
{
    if (is_number(status))
        buf_addf(out, ",\"status\":%s", status);
    else
        add_member(out, "status", status);
    if (ms >= 0)
        buf_addf(out, ",\"ms\":%lld", (long long)ms);
    buf_adds(out, "}");
}

void journal_end(struct journal *journal, struct journal_entry *entry, const char *status)
{
    if (!entry)
        return;
    pthread_mutex_lock(&journal->lock);
    struct buf line = BUF_INIT(JOURNAL_MAX_LINE + 128);
    buf_add(&line, entry->line, entry->len);
    add_end(&line, status, (clock_mono(journal->clock) - entry->began_ns) / NS_PER_MS);
    entry->done = true;
    if (line.failed) {
        drop(journal, entry);
    } else {
        journal->bytes += line.len - entry->len;
        mem_free(entry->line);
        entry->line = line.data;
        entry->len = line.len;
        write_file(journal, entry);
    }
    pthread_mutex_unlock(&journal->lock);
}

void journal_tally(struct journal *journal, const char *what)
{
    pthread_mutex_lock(&journal->lock);
    tally(journal, what);
    pthread_mutex_unlock(&journal->lock);
}

uint64_t journal_count(struct journal *journal, const char *what)
{
    uint64_t count = 0;
    pthread_mutex_lock(&journal->lock);
    for (size_t i = 0; i < journal->tally_count; i++) {
        if (strcmp(journal->tallies[i].name, what) == 0)
            count = journal->tallies[i].count;
    }
    pthread_mutex_unlock(&journal->lock);
    return count;
}

char *journal_text(struct journal *journal, weir_error *err)
{
    struct buf text = BUF_INIT(2 * JOURNAL_MAX_BYTES);
    struct journal_entry *entry = NULL;
    buf_adds(&text, "");
    pthread_mutex_lock(&journal->lock);
    TAILQ_FOREACH(entry, &journal->entries, link)
    {
        buf_add(&text, entry->line, entry->len);
        if (!entry->done)
            add_end(&text, "pending", -1);
        buf_adds(&text, "\n");
    }
    pthread_mutex_unlock(&journal->lock);
    if (buf_finish(&text, err) == WEIR_OK)
        return text.data ? text.data : mem_strdup("");
    buf_free(&text);
    return NULL;
}
