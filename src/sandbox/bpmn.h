/* sandbox/bpmn.h - what the sandbox can interpret of a BPMN file: processes that are a line. A none
 * start event, tasks that are jobs (zeebe:taskDefinition), waits for a message or a time, an end.
 * Everything else is refused, and the refusal names the element, what it is and why. Pure.
 *
 * Facts: BPMN 2.0.2 (OMG formal/13-12-09), 10; the names of Zeebe's extension elements. */
#ifndef SANDBOX_BPMN_H
#define SANDBOX_BPMN_H

#include "core/buf.h"
#include <weir/error.h>

#define BPMN_DEPTH_MAX    64   /* nested XML elements  */
#define BPMN_ELEMENTS_MAX 2000 /* of one process       */
#define BPMN_REPORT_MAX   800

enum bpmn_kind {
    BPMN_START,
    BPMN_JOB,     /* serviceTask, sendTask, scriptTask, businessRuleTask */
    BPMN_MESSAGE, /* intermediateCatchEvent, receiveTask                 */
    BPMN_TIMER,
    BPMN_END
};

struct bpmn_element {
    char *id;
    const char *tag;  /* "serviceTask"; static             */
    const char *type; /* "SERVICE_TASK", Zeebe's; static   */
    enum bpmn_kind kind;
    int next;          /* what follows; -1: nothing         */
    char *job_type;    /* BPMN_JOB                          */
    int32_t retries;   /* BPMN_JOB                          */
    char *headers;     /* BPMN_JOB: a JSON object           */
    char *message;     /* BPMN_MESSAGE: its name            */
    char *correlation; /* BPMN_MESSAGE: the path of a variable, or a text */
    bool correlation_is_text;
    int64_t duration_ms; /* BPMN_TIMER */
};

struct bpmn_process {
    char *id;
    struct bpmn_element *elements;
    size_t count;
    int start; /* -1: it has none */
    struct bpmn_process *next;
};

/* The file's executable processes, in its order. NULL: *report says why, in the lines of the real
 * broker's report, unless there was no memory: then it is empty. */
struct bpmn_process *bpmn_read(weir_bytes file, struct buf *report);
void bpmn_free(struct bpmn_process *list);
int bpmn_find(const struct bpmn_process *process, const char *id); /* -1: none */
/* A path of a variable ("order.id") as a FEEL expression may be one. */
bool bpmn_is_path(const char *text);
/* "PT1H30M", "P1DT0.5S" (ISO 8601, without years and months) to milliseconds. */
bool bpmn_duration(const char *text, int64_t *ms);
#endif
