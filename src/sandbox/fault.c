/* A line is words, of which HOW is read by fault_how.c; the table of faults is an array in order of
 * arrival, from which used-up entries are taken out. */
#include "sandbox/fault.h"

#include "core/buf.h"
#include "core/error.h"
#include "core/mem.h"
#include "core/text.h"
#include "sandbox/duration.h"
#include "sandbox/fault_how.h"
#include "sandbox/names.h"

#include <pthread.h>
#include <stdio.h>
#include <string.h>

#define WORDS_MAX 6

struct entry {
    char what[FAULT_WHAT_MAX];
    uint64_t left; /* FAULT_EVERY_ONE: as long as it is there */
    struct fault fault;
};

struct faults {
    pthread_mutex_t lock;
    struct entry *entries;
    size_t count, cap;
};

/* One line, taken apart. `forget` alone, or an entry to add. */
struct order {
    bool forget;
    struct entry entry;
};

static weir_status read_what(char *out, const char *word, weir_error *err)
{
    for (const char *const *name = names_of_requests(); *name; name++) {
        if (strcmp(*name, word) == 0) {
            (void)snprintf(out, FAULT_WHAT_MAX, "%s", word);
            return WEIR_OK;
        }
    }
    const char *near = text_nearest(word, names_of_requests());
    return error_set(err, WEIR_INVALID,
                     "the sandbox knows no requests called \"%.64s\"%s%s; there are token, zeebe, "
                     "zeebe.connections, zeebe.Health, zeebe.RPC, salesforce, salesforce.token, "
                     "salesforce.rest, salesforce.connect and so on, and bayeux, bayeux.connect "
                     "and so on",
                     word, near ? "; did you mean " : "", near ? near : "");
}

static weir_status read_count(uint64_t *out, const char *word, weir_error *err)
{
    int64_t number = 0;
    *out = FAULT_EVERY_ONE;
    if (strcmp(word, "all") == 0)
        return WEIR_OK;
    if (!text_number(word, 1, INT32_MAX, &number))
        return error_set(err, WEIR_INVALID,
                         "\"%.64s\" is not a number of requests; write 1 or more, or all", word);
    *out = (uint64_t)number;
    return WEIR_OK;
}

#define BLANKS " \t\r\n"

/* The word at *at, unquoted in place; *at is moved past it. False: a quote is open. */
static bool take_word(char **at)
{
    char *from = *at, *to = *at;
    bool quoted = false;
    for (; *from && (quoted || !strchr(BLANKS, *from)); from++) {
        if (*from == '"')
            quoted = !quoted;
        else
            *to++ = *from;
    }
    *at = *from ? from + 1 : from;
    *to = '\0';
    return !quoted;
}

/* Words are parted by blanks; "double quotes" keep blanks, and a word that begins with '#' ends the
 * line. Works in place. SIZE_MAX: a quote is open or there are too many words. */
static size_t split(char *line, char **words)
{
    size_t count = 0;
    for (;;) {
        line += strspn(line, BLANKS);
        if (!*line || *line == '#')
            return count;
        if (count == WORDS_MAX)
            return SIZE_MAX;
        words[count++] = line;
        if (!take_word(&line))
            return SIZE_MAX;
    }
}

static weir_status read_forget(struct order *order, char **words, size_t count, weir_error *err)
{
    order->forget = true;
    if (count > 2)
        return error_set(err, WEIR_INVALID, "forget takes the name of one kind of request or none");
    return count == 2 ? read_what(order->entry.what, words[1], err) : WEIR_OK;
}

static weir_status read_after(struct fault *fault, const char *name, const char *value,
                              weir_error *err)
{
    weir_ms after = 0;
    if (!name)
        return WEIR_OK;
    if (strcmp(name, "--after") != 0 || !value)
        return error_set(err, WEIR_INVALID,
                         "\"%.64s\" is not understood; a fault is WHAT N HOW [--after D]", name);
    weir_status status = duration_parse(value, "--after", &after, err);
    fault->after += after;
    return status;
}

/* WEIR_NOTHING: a blank line. */
static weir_status read_order(struct order *order, const char *line, weir_error *err)
{
    char copy[FAULT_LINE_MAX];
    char *words[WORDS_MAX] = {NULL};
    *order = (struct order){0};
    if (strlen(line) >= sizeof copy)
        return error_set(err, WEIR_INVALID, "a fault's line may have %zu bytes at most",
                         sizeof copy - 1);
    (void)snprintf(copy, sizeof copy, "%s", line);
    size_t count = split(copy, words);
    if (count == 0)
        return WEIR_NOTHING;
    if (count != SIZE_MAX && strcmp(words[0], "forget") == 0)
        return read_forget(order, words, count, err);
    if (count < 3 || count > 5)
        return error_set(err, WEIR_INVALID,
                         "expected WHAT N HOW [--after D], e.g. zeebe.Topology 3 "
                         "status:UNAVAILABLE, but this is \"%.128s\"",
                         line);
    weir_status status = read_what(order->entry.what, words[0], err);
    if (status == WEIR_OK)
        status = read_count(&order->entry.left, words[1], err);
    if (status == WEIR_OK)
        status = fault_read_how(&order->entry.fault, order->entry.what, words[2], err);
    if (status == WEIR_OK)
        status = read_after(&order->entry.fault, words[3], words[4], err);
    return status;
}

/* Does what is scripted for `rule` concern `what`? "zeebe" concerns every call, no connection. */
static bool concerns(const char *rule, const char *what)
{
    size_t len = strlen(rule);
    if (strcmp(rule, what) == 0)
        return true;
    return !strchr(rule, '.') && strncmp(rule, what, len) == 0 && what[len] == '.' &&
           strcmp(what, "zeebe.connections") != 0;
}

/* @locked */
static void remove_at(struct faults *faults, size_t at)
{
    faults->count--;
    memmove(&faults->entries[at], &faults->entries[at + 1],
            (faults->count - at) * sizeof *faults->entries);
}

/* @locked */
static void forget(struct faults *faults, const char *what)
{
    for (size_t i = faults->count; i-- > 0;) {
        if (!*what || strcmp(faults->entries[i].what, what) == 0 ||
            concerns(what, faults->entries[i].what))
            remove_at(faults, i);
    }
}

/* @locked */
static weir_status reserve(struct faults *faults, size_t more, weir_error *err)
{
    size_t need = faults->count + more;
    if (need > FAULTS_MAX)
        return error_set(err, WEIR_BUSY, "%d faults are scripted already; forget some first",
                         FAULTS_MAX);
    if (need <= faults->cap)
        return WEIR_OK;
    size_t cap = need > 16 ? need : 16;
    struct entry *grown = mem_realloc(faults->entries, cap * sizeof *grown);
    if (!grown)
        return error_no_memory(err);
    faults->entries = grown;
    faults->cap = cap;
    return WEIR_OK;
}

/* All of them or none. */
static weir_status apply(struct faults *faults, const struct order *orders, size_t count,
                         weir_error *err)
{
    pthread_mutex_lock(&faults->lock);
    weir_status status = reserve(faults, count, err);
    for (size_t i = 0; status == WEIR_OK && i < count; i++) {
        if (orders[i].forget)
            forget(faults, orders[i].entry.what);
        else
            faults->entries[faults->count++] = orders[i].entry;
    }
    pthread_mutex_unlock(&faults->lock);
    return status;
}

struct faults *faults_new(void)
{
    struct faults *faults = mem_zalloc(sizeof *faults);
    if (faults)
        pthread_mutex_init(&faults->lock, NULL);
    return faults;
}

void faults_free(struct faults *faults)
{
    if (!faults)
        return;
    pthread_mutex_destroy(&faults->lock);
    mem_free(faults->entries);
    mem_free(faults);
}

weir_status faults_add(struct faults *faults, const char *line, weir_error *err)
{
    struct order order;
    weir_status status = read_order(&order, line ? line : "", err);
    if (status == WEIR_NOTHING)
        return error_set(err, WEIR_INVALID, "the fault is empty: expected WHAT N HOW [--after D]");
    if (status == WEIR_OK)
        status = apply(faults, &order, 1, err);
    return status == WEIR_OK ? error_ok(err) : status;
}

/* One line of a script into `orders`; its end is moved past the line break. */
static weir_status read_line(struct order *order, const char **at, const char *end, weir_error *err)
{
    char line[FAULT_LINE_MAX];
    const char *stop = memchr(*at, '\n', (size_t)(end - *at));
    size_t len = (size_t)((stop ? stop : end) - *at);
    if (len >= sizeof line)
        return error_set(err, WEIR_INVALID, "a line may have %zu bytes at most", sizeof line - 1);
    if (memchr(*at, '\0', len))
        return error_set(err, WEIR_INVALID, "there is a NUL byte in this line");
    (void)snprintf(line, sizeof line, "%.*s", (int)len, *at);
    *at = stop ? stop + 1 : end;
    return read_order(order, line, err);
}

/* Into `orders`, which has room for one more than there may be. */
static weir_status read_script(struct order *orders, size_t *count, weir_bytes text,
                               const char *name, weir_error *err)
{
    const char *at = text.data, *end = at + text.len;
    *count = 0;
    for (size_t number = 1; at < end && *count <= FAULTS_MAX; number++) {
        weir_status status = read_line(&orders[*count], &at, end, err);
        if (status != WEIR_OK && status != WEIR_NOTHING)
            return name ? error_context(err, "%s:%zu", name, number) : status;
        *count += status == WEIR_OK;
    }
    return WEIR_OK;
}

weir_status faults_add_script(struct faults *faults, const char *text, size_t len, const char *name,
                              weir_error *err)
{
    weir_error own = {0};
    size_t count = 0;
    struct order *orders = mem_array(FAULTS_MAX + 1, sizeof *orders);
    if (!orders)
        return error_no_memory(err);
    weir_status status = read_script(orders, &count, (weir_bytes){text, len}, name, &own);
    if (status == WEIR_OK && (status = apply(faults, orders, count, &own)) != WEIR_OK && name)
        error_context(&own, "%s", name);
    mem_free(orders);
    error_copy(err, &own);
    return status == WEIR_OK ? error_ok(err) : status;
}

bool faults_take(struct faults *faults, const char *what, struct fault *out)
{
    bool found = false;
    pthread_mutex_lock(&faults->lock);
    for (size_t i = 0; i < faults->count && !found; i++) {
        struct entry *entry = &faults->entries[i];
        if (!concerns(entry->what, what))
            continue;
        found = true;
        *out = entry->fault;
        if (entry->left != FAULT_EVERY_ONE && --entry->left == 0)
            remove_at(faults, i);
    }
    pthread_mutex_unlock(&faults->lock);
    return found;
}
