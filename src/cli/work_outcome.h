/* cli/work_outcome.h - what a handler says became of its job. Pure.
 *
 * {"complete":{VARIABLES}}, {"fail":{"retries":2,"retryBackoff":"5s","errorMessage":"...",
 * "variables":{}}} or {"throw":{"errorCode":"C","errorMessage":"...","variables":{}}}, each with a
 * "key" (a number or a string) where it does not go without saying. */
#ifndef CLI_WORK_OUTCOME_H
#define CLI_WORK_OUTCOME_H

#include "cli/str.h"

enum work_verdict { WORK_COMPLETE = 1, WORK_FAIL, WORK_THROW };

struct work_outcome {
    enum work_verdict verdict;
    int64_t key;     /* 0: not said; no job has that key */
    int32_t retries; /* WORK_FAIL; WEIR_RETRIES_LESS when not said */
    weir_ms backoff; /* WORK_FAIL; 0: not said; WEIR_ZERO: none */
    char *variables; /* NULL: not said; this and the next two with release_memory() */
    char *message, *code;
};

/* False: *why is what is wrong with it, to follow "the outcome" in a message; out->key may be known
 * all the same. End with work_outcome_free() in any case. */
bool work_outcome_read(struct work_outcome *out, const char *text, size_t len, struct str *why);
/* Makes it, whatever it was (nothing at all is {0}), a failure of the same key. */
void work_outcome_fail(struct work_outcome *out, int32_t retries, const char *fmt, ...)
    WEIR_PRINTF(3, 4);
void work_outcome_copy(struct work_outcome *out, const struct work_outcome *from);
void work_outcome_free(struct work_outcome *outcome);
/* NULL: the text is a JSON object; else why it is not, in err->message. */
const char *work_object_complaint(const char *text, size_t len, char room[512]);
#endif
