/* sandbox/bpmn_private.h - a BPMN file while it is being read: bpmn.c is told of its elements by
 * bpmn_tree.c, which knows what may stand where. */
#ifndef SANDBOX_BPMN_PRIVATE_H
#define SANDBOX_BPMN_PRIVATE_H

#include "sandbox/bpmn.h"

/* Where the reader is. */
enum bpmn_place {
    IN_NOTHING = 0, /* what is in it does not matter */
    IN_DOCUMENT,
    IN_DEFINITIONS,
    IN_MESSAGE,
    IN_MESSAGE_MORE, /* its extensionElements */
    IN_PROCESS,
    IN_PROCESS_MORE,
    IN_FLOW,
    IN_NODE,
    IN_NODE_MORE,
    IN_HEADERS,
    IN_MESSAGE_EVENT,
    IN_TIMER_EVENT,
    IN_DURATION /* its text */
};

struct bpmn_message {
    char *id, *name, *correlation; /* as written */
};

struct bpmn_flow {
    char *id, *source, *target;
};

struct bpmn_reader {
    struct bpmn_process *first, **last;
    struct bpmn_process *process; /* being read; NULL: none */
    size_t process_cap;
    struct bpmn_element *node; /* being read; NULL: none */
    size_t triggers;           /* its event definitions and task definitions */
    struct buf headers;        /* its task headers, a JSON object without its end */
    char text[80];             /* of IN_DURATION; what is longer is cut, and no duration */
    size_t text_len;
    struct bpmn_message *messages;
    size_t message_count, message_cap;
    struct bpmn_flow *flows; /* of the process being read */
    size_t flow_count, flow_cap;
    struct buf *report;
    bool starved; /* no memory: stop */
};

/* The attribute's value, "" when it has none. `attributes` as expat gives them. */
const char *bpmn_attribute(const char *const *attributes, const char *name);
/* "- Element: ID" and why, into the report. */
void bpmn_complain(struct bpmn_reader *reader, const char *id, const char *fmt, ...)
    WEIR_PRINTF(3, 4);

void bpmn_on_message(struct bpmn_reader *r, const char *tag, const char *const *attributes);
void bpmn_on_subscription(struct bpmn_reader *r, const char *tag, const char *const *attributes);
void bpmn_on_process(struct bpmn_reader *r, const char *tag, const char *const *attributes);
void bpmn_on_flow(struct bpmn_reader *r, const char *tag, const char *const *attributes);
void bpmn_on_node(struct bpmn_reader *r, const char *tag, const char *const *attributes);
void bpmn_on_task(struct bpmn_reader *r, const char *tag, const char *const *attributes);
void bpmn_on_header(struct bpmn_reader *r, const char *tag, const char *const *attributes);
void bpmn_on_message_event(struct bpmn_reader *r, const char *tag, const char *const *attributes);
void bpmn_on_timer_event(struct bpmn_reader *r, const char *tag, const char *const *attributes);

void bpmn_end_duration(struct bpmn_reader *r);
void bpmn_end_node(struct bpmn_reader *r);
void bpmn_end_process(struct bpmn_reader *r);
/* All is read: what refers to something else is resolved. */
void bpmn_end_document(struct bpmn_reader *r);

/* Feeds the file to `r`. False: it is no BPMN (the report says why), or there is no memory. */
bool bpmn_walk(struct bpmn_reader *r, weir_bytes file);
#endif
