/* Saying what happens. One lock around the call of the program's function: that is what lets
 * weir_log_to() promise that the previous one is not running any more. The level is read without
 * the lock, so that what nobody wants to hear costs one load. */
#include "core/log.h"

#include "core/options.h"
#include "core/shield.h"
#include "core/text.h"

#include <pthread.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>

static atomic_int level = -1; /* -1: the environment has not been asked */
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static weir_log_fn *listener; /* @locked; NULL: stderr */
static void *listener_user;   /* @locked */

static const char *const names[] = {"off", "error", "warn", "info", "debug", "trace"};

static int level_of_environment(void)
{
    const char *text = options_env("WEIR_LOG", (const char *)NULL);
    for (int i = 0; text && i <= WEIR_LOG_TRACE; i++) {
        if (text_equal_nocase(text, names[i]))
            return i;
    }
    return WEIR_LOG_OFF;
}

bool log_wants(weir_log_level wanted)
{
    int now = atomic_load_explicit(&level, memory_order_relaxed);
    if (now < 0) {
        int unasked = -1;
        now = level_of_environment();
        if (!atomic_compare_exchange_strong(&level, &unasked, now))
            now = unasked;
    }
    return (int)wanted <= now;
}

static void to_stderr(const weir_log_record *r)
{
    (void)fprintf(stderr, "weir: %s: %s%s%s: %s\n", names[r->level], r->part,
                  *r->channel ? " " : "", r->channel, r->message);
}

/* @locked */
static void say(const weir_log_record *record)
{
    if (listener)
        listener(record, listener_user);
    else
        to_stderr(record);
}

void log_at(weir_log_level at, const char *part, const char *channel, const char *fmt, ...)
{
    if (!log_wants(at))
        return;
    char message[1024];
    va_list args;
    va_start(args, fmt);
    (void)vsnprintf(message, sizeof message, fmt, args);
    va_end(args);
    for (char *p = message; *p; p++) {
        if ((unsigned char)*p < 0x20 || *p == 0x7f)
            *p = ' ';
    }
    weir_log_record record = {at, part, channel ? channel : "", message};
    int shielded = shield_up();
    pthread_mutex_lock(&lock);
    if (log_wants(at)) /* weir_log_to() may have come in between, for somebody who wants less */
        say(&record);
    pthread_mutex_unlock(&lock);
    shield_down(shielded);
}

void log_after_fork(void)
{
    lock = (pthread_mutex_t)PTHREAD_MUTEX_INITIALIZER;
}

void weir_log_to(weir_log_fn *fn, void *user, weir_log_level up_to)
{
    pthread_mutex_lock(&lock);
    listener = fn;
    listener_user = user;
    atomic_store(&level,
                 up_to >= WEIR_LOG_OFF && up_to <= WEIR_LOG_TRACE ? (int)up_to : WEIR_LOG_TRACE);
    pthread_mutex_unlock(&lock);
}
