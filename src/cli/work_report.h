/* cli/work_report.h - what `weir zeebe work` says of its jobs: a JSON line each, a line for people
 * where one did not go well, a summary. Any thread. */
#ifndef CLI_WORK_REPORT_H
#define CLI_WORK_REPORT_H

#include <pthread.h>

#include "cli/work_options.h"

struct work_report {
    pthread_mutex_t lock; /* guards the rest */
    bool json, zbctl;
    uint64_t settled[WEIR_JOB_RETURNED + 1]; /* by outcome */
    weir_ms last;                            /* when the last one was settled */
    bool outage;
    int failed; /* errno of writing stdout; 0: none */
    int wake;   /* a byte: writing has failed */
};

void work_report_init(struct work_report *report, const struct work_options *options, int wake);
void work_report_free(struct work_report *report);
void work_report_settled(struct work_report *report, const weir_settled *what);
void work_report_news(struct work_report *report, weir_worker_news news, const weir_error *why);
/* One line on stderr. */
void work_report_summary(struct work_report *report);
/* How many jobs this worker has answered for, handed back ones not counted. */
uint64_t work_report_count(struct work_report *report);
#endif
