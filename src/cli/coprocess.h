/* cli/coprocess.h - one program that works on many jobs: what is said on its stdin and stdout.
 * Pure: no process, no clock, no lock; one thread at a time.
 *
 * A job is a line to it, an outcome is a line from it, in any order. What it has been told of is in
 * its hand; what not, waits, and survives its death. */
#ifndef CLI_COPROCESS_H
#define CLI_COPROCESS_H

#include <sys/uio.h>

#include "cli/work_outcome.h"

#define COPROCESS_LINE (4 * 1024 * 1024 + 64 * 1024) /* longest outcome: variables and the rest */

struct coprocess;

struct coprocess_events {
    /* A job that was given has an outcome; its texts are borrowed. */
    void (*settled)(void *user, int64_t key, const struct work_outcome *outcome);
    /* It said something that cannot be understood, or that concerns no job in its hand. */
    void (*complaint)(void *user, const char *text);
    void *user;
};

struct coprocess *coprocess_new(const struct coprocess_events *events);
void coprocess_free(struct coprocess *co);

/* A job: `line` is JSON without its line's end, copied. `until`: when its time is over. If a job of
 * this key is there already, that one is forgotten. */
void coprocess_give(struct coprocess *co, int64_t key, const char *line, weir_ms until);
/* Nobody waits for this job's outcome any more. */
void coprocess_forget(struct coprocess *co, int64_t key);
/* Jobs that wait or are in its hand. */
size_t coprocess_jobs(const struct coprocess *co);

/* What is to be written to it next, `most` pieces at most. @return how many; 0: nothing. */
size_t coprocess_next(const struct coprocess *co, struct iovec *pieces, size_t most);
void coprocess_wrote(struct coprocess *co, size_t len);
/* What it wrote. False: a line beyond COPROCESS_LINE: it must be ended. */
bool coprocess_read(struct coprocess *co, const char *bytes, size_t len);

/* When the first job's time is over; INT64_MAX: never. */
weir_ms coprocess_until(const struct coprocess *co);
/* Fails the jobs whose time is over; false when there was none. It must be ended then: it stands
 * still. `limit` is how long that was, for people. */
bool coprocess_expire(struct coprocess *co, weir_ms now, const char *limit);
/* Has it settled a job in this life? */
bool coprocess_has_settled(const struct coprocess *co);
/* It has died, `how` says in which way. Each job in its hand fails: with as many tries as before
 * when it is the first death that job was in, else with one less. Did it settle a job in this life?
 */
bool coprocess_died(struct coprocess *co, const char *how);
#endif
