/* A few lines behind a lock. */
#include "cli/held.h"

#include <pthread.h>
#include <stdio.h>
#include <string.h>

#include "cli/str.h"

#define MOST 32

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct {
    char *line, *message;
    bool attempt;
} held[MOST];
static size_t count;

static bool is_held(const char *message)
{
    for (size_t i = 0; i < count; i++)
        if (strcmp(held[i].message, message) == 0)
            return true;
    return false;
}

bool held_add(const char *line, const char *message, bool attempt)
{
    pthread_mutex_lock(&lock);
    bool known = is_held(message);
    bool taken = known || count < MOST;
    if (!known && taken) {
        held[count].line = copy_or_exit(line, strlen(line));
        held[count].attempt = attempt;
        held[count++].message = copy_or_exit(message, strlen(message));
    }
    pthread_mutex_unlock(&lock);
    return taken;
}

void held_show(const char *said)
{
    pthread_mutex_lock(&lock);
    for (size_t i = 0; i < count; i++) {
        bool explained = held[i].attempt && *said;
        if (!explained && !strstr(said, held[i].message))
            (void)fputs(held[i].line, stderr);
        release_memory(held[i].line);
        release_memory(held[i].message);
    }
    count = 0;
    (void)fflush(stderr);
    pthread_mutex_unlock(&lock);
}
