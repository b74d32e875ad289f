/* sandbox/journal.h - every request the sandbox got, as JSON lines: in memory up to a limit (the
 * oldest finished ones go first), and in a file if one is named. Credentials never get in: of an
 * Authorization header only the scheme, of a secret form member only "***".
 *
 *   {"number":1,"time":"2026-01-01T00:00:00.000Z","service":"zeebe","what":"zeebe.Topology",
 *    "path":"/gateway_protocol.Gateway/Topology","peer":"127.0.0.1:40000","fault":"delay:5000ms",
 *    "headers":{...},"form":{...},"status":"OK","ms":5001}
 *
 * "status" is a number (HTTP), a gRPC status by name, or what else became of it: "cut", "gone" (the
 * client left), "pending". Any thread, a lock held for a few lines. */
#ifndef SANDBOX_JOURNAL_H
#define SANDBOX_JOURNAL_H

#include "core/clock.h"
#include <weir/error.h>

#define JOURNAL_MAX_BYTES ((size_t)8 * 1024 * 1024)
#define JOURNAL_MAX_NAMES 256 /* different names that are counted */
#define JOURNAL_MAX_LINE  (64 * 1024)

struct journal;
struct journal_entry; /* a request that has not been answered yet */

struct journal_pair {
    const char *name, *value; /* NUL-terminated */
};

/* Lists may be NULL when their count is 0; texts may be NULL: left out. */
struct journal_request {
    const char *service, *what, *path, *peer, *fault;
    const struct journal_pair *headers, *form;
    size_t header_count, form_count;
};

/* `file` NULL: none. WEIR_STORE: it cannot be opened for appending. */
struct journal *journal_new(const struct clock *clock, const char *file, weir_error *err);
void journal_free(struct journal *journal);
/* Counts the request under its service and its `what`. NULL when there is no room: fine for
 * journal_end(). */
struct journal_entry *journal_begin(struct journal *journal, const struct journal_request *request);
/* The line is complete: `status` is a word or a number. */
void journal_end(struct journal *journal, struct journal_entry *entry, const char *status);
/* Counts something that is no request of its own: "zeebe.connections", "token.issued". */
void journal_tally(struct journal *journal, const char *what);
uint64_t journal_count(struct journal *journal, const char *what);
/* All lines kept; weir_free(). NULL: *err says why. */
char *journal_text(struct journal *journal, weir_error *err);
#endif
