/* What the elements of a file mean, and whether they make processes that are a line. bpmn_tree.c
 * has the walk through the file; this file is told of what it met, in the file's order. References
 * (flows, messages) are kept as texts until all they may name is known. */
#include "sandbox/bpmn_private.h"

#include "core/json.h"
#include "core/mem.h"
#include "core/text.h"

#include <ctype.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#define HEADERS_MAX ((size_t)64 * 1024)
#define RETRIES     3 /* Zeebe's, when the task names none */

static const struct {
    const char *tag, *type;
    enum bpmn_kind kind;
} nodes[] = {
    {"startEvent", "START_EVENT", BPMN_START},
    {"endEvent", "END_EVENT", BPMN_END},
    {"serviceTask", "SERVICE_TASK", BPMN_JOB},
    {"sendTask", "SEND_TASK", BPMN_JOB},
    {"scriptTask", "SCRIPT_TASK", BPMN_JOB},
    {"businessRuleTask", "BUSINESS_RULE_TASK", BPMN_JOB},
    {"receiveTask", "RECEIVE_TASK", BPMN_MESSAGE},
    {"intermediateCatchEvent", "INTERMEDIATE_CATCH_EVENT", BPMN_TIMER}, /* until it says so */
};

void bpmn_complain(struct bpmn_reader *reader, const char *id, const char *fmt, ...)
{
    char text[300];
    va_list args;
    va_start(args, fmt);
    (void)vsnprintf(text, sizeof text, fmt, args);
    va_end(args);
    if (reader->report->len + sizeof text + 150 < BPMN_REPORT_MAX) /* the rest is as bad */
        buf_addf(reader->report, "- Element: %.110s\n    - ERROR: %s\n", id, text);
}

/* A copy; NULL: none was given, or no memory, which is remembered. */
static char *copy(struct bpmn_reader *r, const char *text)
{
    if (!*text)
        return NULL;
    char *to = mem_strdup(text);
    r->starved |= !to;
    return to;
}

/* Room for one more of what `*list` holds. */
static bool more(struct bpmn_reader *r, void **list, size_t count, size_t *cap, size_t size)
{
    if (count < *cap)
        return true;
    size_t next = *cap ? *cap * 2 : 8;
    void *grown = mem_realloc(*list, next * size);
    if (!grown) {
        r->starved = true;
        return false;
    }
    *list = grown;
    *cap = next;
    return true;
}

/* ---- values ---------------------------------------------------------------------------------- */

bool bpmn_is_path(const char *text)
{
    bool start = true;
    for (; *text; text++) {
        bool letter = isalpha((unsigned char)*text) || *text == '_';
        if (!letter && (start || (!isdigit((unsigned char)*text) && *text != '.')))
            return false;
        start = *text == '.';
    }
    return !start;
}

/* A text as Zeebe's attributes hold it: itself, or an expression that is nothing but a text. NULL:
 * another expression. */
static char *static_text(struct bpmn_reader *r, const char *value)
{
    size_t len = strlen(value);
    if (*value != '=')
        return copy(r, value);
    const char *from = value + 1 + strspn(value + 1, " ");
    size_t inner = len - (size_t)(from - value);
    if (inner < 2 || *from != '"' || value[len - 1] != '"' || memchr(from + 1, '"', inner - 2) ||
        strchr(from, '\\'))
        return NULL;
    char *to = mem_dup(from + 1, inner - 2);
    r->starved |= !to;
    return to;
}

/* Milliseconds of one part, "1.5" of 1,000; *text is moved behind its letter. */
static bool duration_part(const char **text, char letter, double unit, double *sum)
{
    const char *at = *text;
    double value = 0, digit = 1;
    bool any = false, fraction = false;
    for (; isdigit((unsigned char)*at) || (*at == '.' && any && !fraction); at++) {
        if (*at == '.') {
            fraction = true;
            continue;
        }
        any = true;
        digit /= fraction ? 10 : 1;
        value = fraction ? value + (*at - '0') * digit : value * 10 + (*at - '0');
    }
    if (!any || *at != letter || (fraction && letter != 'S'))
        return false;
    *text = at + 1;
    *sum += value * unit;
    return true;
}

bool bpmn_duration(const char *text, int64_t *ms)
{
    double sum = 0;
    bool any = false;
    if (*text++ != 'P')
        return false;
    any |= duration_part(&text, 'W', 7 * 86400e3, &sum);
    any |= duration_part(&text, 'D', 86400e3, &sum);
    if (*text == 'T') {
        text++;
        any = duration_part(&text, 'H', 3600e3, &sum);
        any |= duration_part(&text, 'M', 60e3, &sum);
        any |= duration_part(&text, 'S', 1e3, &sum);
    }
    *ms = sum < 1e15 ? (int64_t)(sum + 0.5) : 0;
    return any && *text == '\0' && sum < 1e15;
}

/* ---- what stands in the file ----------------------------------------------------------------- */

void bpmn_on_message(struct bpmn_reader *r, const char *tag, const char *const *attributes)
{
    (void)tag;
    if (!more(r, (void **)&r->messages, r->message_count, &r->message_cap, sizeof *r->messages))
        return;
    r->messages[r->message_count++] =
        (struct bpmn_message){.id = copy(r, bpmn_attribute(attributes, "id")),
                              .name = copy(r, bpmn_attribute(attributes, "name"))};
}

void bpmn_on_subscription(struct bpmn_reader *r, const char *tag, const char *const *attributes)
{
    struct bpmn_message *message = &r->messages[r->message_count - 1];
    (void)tag;
    mem_free(message->correlation);
    message->correlation = copy(r, bpmn_attribute(attributes, "correlationKey"));
}

void bpmn_on_process(struct bpmn_reader *r, const char *tag, const char *const *attributes)
{
    const char *id = bpmn_attribute(attributes, "id");
    (void)tag;
    r->process = NULL;
    if (strcmp(bpmn_attribute(attributes, "isExecutable"), "true") != 0)
        return; /* passed over, whatever is in it */
    if (!*id)
        bpmn_complain(r, "process", "Attribute 'id' must be present and not empty");
    struct bpmn_process *process = mem_zalloc(sizeof *process);
    if (process)
        process->id = mem_strdup(id);
    if (!process || !process->id) {
        mem_free(process);
        r->starved = true;
        return;
    }
    process->start = -1;
    r->process = *r->last = process;
    r->last = &process->next;
    r->process_cap = 0;
}

void bpmn_on_flow(struct bpmn_reader *r, const char *tag, const char *const *attributes)
{
    (void)tag;
    if (!more(r, (void **)&r->flows, r->flow_count, &r->flow_cap, sizeof *r->flows))
        return;
    r->flows[r->flow_count++] = (struct bpmn_flow){
        copy(r, bpmn_attribute(attributes, "id")), copy(r, bpmn_attribute(attributes, "sourceRef")),
        copy(r, bpmn_attribute(attributes, "targetRef"))};
}

void bpmn_on_node(struct bpmn_reader *r, const char *tag, const char *const *attributes)
{
    size_t i = 0;
    struct bpmn_process *process = r->process;
    const char *id = bpmn_attribute(attributes, "id"), *message = "";
    while (strcmp(nodes[i].tag, tag) != 0)
        i++;
    if (nodes[i].kind == BPMN_MESSAGE)
        message = bpmn_attribute(attributes, "messageRef");
    if (process->count == BPMN_ELEMENTS_MAX) {
        bpmn_complain(r, process->id, "it has more than %d elements", BPMN_ELEMENTS_MAX);
        return;
    }
    if (!more(r, (void **)&process->elements, process->count, &r->process_cap,
              sizeof *process->elements))
        return;
    if (!*id)
        bpmn_complain(r, process->id, "an element of it, %s, has no id", tag);
    r->node = &process->elements[process->count++];
    *r->node = (struct bpmn_element){.id = mem_strdup(id),
                                     .tag = nodes[i].tag,
                                     .type = nodes[i].type,
                                     .kind = nodes[i].kind,
                                     .next = -1,
                                     .message = copy(r, message)};
    r->starved |= !r->node->id;
    r->triggers = r->node->kind == BPMN_MESSAGE;
    r->headers = (struct buf)BUF_INIT(HEADERS_MAX + 100);
}

static void read_retries(struct bpmn_reader *r, const char *text)
{
    int64_t retries = RETRIES;
    if (*text && !text_number(text + (*text == '='), 0, INT32_MAX, &retries))
        bpmn_complain(r, r->node->id,
                      "the sandbox does not evaluate the retries '%.80s': only a number", text);
    r->node->retries = (int32_t)retries;
}

void bpmn_on_task(struct bpmn_reader *r, const char *tag, const char *const *attributes)
{
    struct bpmn_element *node = r->node;
    const char *type = bpmn_attribute(attributes, "type");
    (void)tag;
    if (!node)
        return;
    r->triggers++;
    if (node->kind != BPMN_JOB) {
        bpmn_complain(r, node->id, "the sandbox does not interpret zeebe:taskDefinition of %s",
                      node->tag);
        return;
    }
    mem_free(node->job_type);
    node->job_type = static_text(r, type);
    if (!*type)
        bpmn_complain(r, node->id, "Attribute 'type' must be present and not empty");
    else if (!node->job_type && !r->starved)
        bpmn_complain(r, node->id, "the sandbox does not evaluate the type '%.80s': only a text",
                      type);
    read_retries(r, bpmn_attribute(attributes, "retries"));
}

void bpmn_on_header(struct bpmn_reader *r, const char *tag, const char *const *attributes)
{
    const char *key = bpmn_attribute(attributes, "key"),
               *value = bpmn_attribute(attributes, "value");
    (void)tag;
    if (!r->node || !*key || !*value)
        return; /* Zeebe leaves such ones out */
    if (r->headers.len + 6 * (strlen(key) + strlen(value)) > HEADERS_MAX) {
        bpmn_complain(r, r->node->id, "its task headers are too long");
        return;
    }
    buf_adds(&r->headers, r->headers.len ? "," : "{");
    json_add_string(&r->headers, key, strlen(key));
    buf_adds(&r->headers, ":");
    json_add_string(&r->headers, value, strlen(value));
}

void bpmn_on_message_event(struct bpmn_reader *r, const char *tag, const char *const *attributes)
{
    struct bpmn_element *node = r->node;
    if (!node)
        return;
    r->triggers++;
    if (strcmp(node->tag, "intermediateCatchEvent") != 0) {
        bpmn_complain(r, node->id, "the sandbox does not interpret %s of %s", tag, node->tag);
        return;
    }
    mem_free(node->message);
    node->kind = BPMN_MESSAGE;
    node->message = copy(r, bpmn_attribute(attributes, "messageRef"));
}

void bpmn_on_timer_event(struct bpmn_reader *r, const char *tag, const char *const *attributes)
{
    (void)attributes;
    r->text[r->text_len = 0] = '\0';
    if (!r->node)
        return;
    r->triggers++;
    r->node->duration_ms = -1; /* until it is read */
    if (strcmp(r->node->tag, "intermediateCatchEvent") != 0)
        bpmn_complain(r, r->node->id, "the sandbox does not interpret %s of %s", tag, r->node->tag);
}

void bpmn_end_duration(struct bpmn_reader *r)
{
    struct bpmn_element *node = r->node;
    const char *text = r->text + strspn(r->text, " \t\r\n");
    r->text[r->text_len] = '\0';
    while (r->text_len && strchr(" \t\r\n", r->text[r->text_len - 1]))
        r->text[--r->text_len] = '\0';
    if (!node || bpmn_duration(text, &node->duration_ms))
        return;
    node->duration_ms = 0;
    if (*text == '=')
        bpmn_complain(r, node->id, "the sandbox does not evaluate the duration '%s'", text);
    else
        bpmn_complain(r, node->id,
                      "Invalid timer duration expression (Invalid duration format '%s' for "
                      "expression '%s'.)",
                      text, text);
}

static void check_node(struct bpmn_reader *r)
{
    struct bpmn_element *node = r->node;
    bool event = strcmp(node->tag, "intermediateCatchEvent") == 0;
    if (node->kind == BPMN_JOB && !r->triggers)
        bpmn_complain(r, node->id,
                      "Must have exactly one 'zeebe:taskDefinition' extension element");
    if (event && !r->triggers)
        bpmn_complain(r, node->id, "Must have exactly one event definition");
    if (r->triggers > 1)
        bpmn_complain(r, node->id, "the sandbox does not interpret more than one definition in %s",
                      node->tag);
    if (node->kind == BPMN_TIMER && r->triggers == 1 && node->duration_ms < 0)
        bpmn_complain(r, node->id, "Must have a time duration");
}

void bpmn_end_node(struct bpmn_reader *r)
{
    struct bpmn_element *node = r->node;
    if (!node)
        return;
    if (r->headers.len)
        buf_adds(&r->headers, "}");
    r->starved |= r->headers.failed;
    node->headers = r->headers.data ? r->headers.data : copy(r, "{}");
    r->headers = (struct buf)BUF_INIT(HEADERS_MAX + 100);
    check_node(r);
    r->node = NULL;
}

/* ---- the line -------------------------------------------------------------------------------- */

int bpmn_find(const struct bpmn_process *process, const char *id)
{
    for (size_t i = 0; id && i < process->count; i++) {
        if (strcmp(process->elements[i].id, id) == 0)
            return (int)i;
    }
    return -1;
}

static void link_flow(struct bpmn_reader *r, const struct bpmn_flow *flow)
{
    struct bpmn_process *process = r->process;
    int from = bpmn_find(process, flow->source), to = bpmn_find(process, flow->target);
    const char *id = flow->id ? flow->id : "sequenceFlow";
    if (from < 0 || to < 0) {
        const char *missing = from < 0 ? flow->source : flow->target;
        if (r->report->len)
            return; /* most likely what was refused */
        bpmn_complain(r, id, "it refers to '%.80s', which the sandbox does not know",
                      missing ? missing : "");
        return;
    }
    struct bpmn_element *source = &process->elements[from];
    if (source->kind == BPMN_END)
        bpmn_complain(r, source->id, "the sandbox does not interpret a sequence flow out of %s",
                      source->tag);
    if (process->elements[to].kind == BPMN_START)
        bpmn_complain(r, process->elements[to].id,
                      "Start events must not have incoming sequence flows.");
    if (source->next >= 0)
        bpmn_complain(r, source->id,
                      "the sandbox does not interpret more than one sequence flow out of %s",
                      source->tag);
    source->next = to;
}

static void clear_flows(struct bpmn_reader *r)
{
    for (size_t i = 0; i < r->flow_count; i++) {
        mem_free(r->flows[i].id);
        mem_free(r->flows[i].source);
        mem_free(r->flows[i].target);
    }
    r->flow_count = 0;
}

void bpmn_end_process(struct bpmn_reader *r)
{
    struct bpmn_process *process = r->process;
    for (size_t i = 0; i < r->flow_count && !r->starved; i++)
        link_flow(r, &r->flows[i]);
    for (size_t i = 0; i < process->count && !r->starved; i++) {
        const struct bpmn_element *element = &process->elements[i];
        if (bpmn_find(process, element->id) != (int)i)
            bpmn_complain(r, element->id, "its id is another element's, too");
        if (element->kind == BPMN_START && process->start >= 0)
            bpmn_complain(r, process->id, "Multiple none start events are not allowed");
        if (element->kind == BPMN_START)
            process->start = (int)i;
    }
    if (process->start < 0 && !r->starved && !r->report->len)
        bpmn_complain(r, process->id, "Must have at least one start event");
    clear_flows(r);
    r->process = NULL;
}

/* The key a message is correlated by: a path, or a text. */
static void resolve_correlation(struct bpmn_reader *r, struct bpmn_element *node,
                                const struct bpmn_message *message)
{
    const char *expression = message->correlation ? message->correlation : "";
    const char *path = expression + (*expression == '=');
    path += strspn(path, " ");
    if (!*path) {
        bpmn_complain(r, message->id, "Must have exactly one zeebe:subscription extension element");
        return;
    }
    if (*expression == '=' && bpmn_is_path(path)) {
        node->correlation = copy(r, path);
    } else {
        node->correlation = *expression == '=' ? static_text(r, expression) : NULL;
        node->correlation_is_text = node->correlation != NULL;
    }
    if (!node->correlation && !r->starved)
        bpmn_complain(r, node->id,
                      "the sandbox does not evaluate the correlation key '%.80s': only =variable",
                      expression);
}

static const struct bpmn_message *find_message(const struct bpmn_reader *r, const char *id)
{
    for (size_t i = 0; id && i < r->message_count; i++) {
        if (r->messages[i].id && strcmp(r->messages[i].id, id) == 0)
            return &r->messages[i];
    }
    return NULL;
}

static void resolve_message(struct bpmn_reader *r, struct bpmn_element *node)
{
    char *reference = node->message, where[120];
    const struct bpmn_message *message = find_message(r, reference);
    node->message = message && message->name ? static_text(r, message->name) : NULL;
    bool event = strcmp(node->tag, "intermediateCatchEvent") == 0;
    (void)snprintf(where, sizeof where, "%.80s%s", node->id,
                   event ? " > messageEventDefinition" : "");
    if (!message)
        bpmn_complain(r, where, "Must reference a message");
    else if (!message->name)
        bpmn_complain(r, message->id, "Name must be present and not empty");
    else if (!node->message && !r->starved)
        bpmn_complain(r, node->id,
                      "the sandbox does not evaluate the message name '%.80s': only a text",
                      message->name);
    if (message)
        resolve_correlation(r, node, message);
    mem_free(reference);
}

void bpmn_end_document(struct bpmn_reader *r)
{
    for (struct bpmn_process *process = r->first; process; process = process->next) {
        for (size_t i = 0; i < process->count; i++) {
            if (process->elements[i].kind == BPMN_MESSAGE && !r->starved)
                resolve_message(r, &process->elements[i]);
        }
    }
    if (!r->first && !r->report->len)
        bpmn_complain(r, "definitions", "Must contain at least one executable process");
}

struct bpmn_process *bpmn_read(weir_bytes file, struct buf *report)
{
    struct bpmn_reader r = {.report = report};
    r.last = &r.first;
    if (file.len > INT_MAX)
        buf_adds(report, "it is too large\n");
    else if (bpmn_walk(&r, file))
        bpmn_end_document(&r);
    clear_flows(&r);
    mem_free(r.flows);
    for (size_t i = 0; i < r.message_count; i++) {
        mem_free(r.messages[i].id);
        mem_free(r.messages[i].name);
        mem_free(r.messages[i].correlation);
    }
    mem_free(r.messages);
    buf_free(&r.headers);
    if (r.starved)
        buf_free(report);
    if (!r.starved && !report->len && !report->failed)
        return r.first;
    bpmn_free(r.first);
    return NULL;
}

void bpmn_free(struct bpmn_process *list)
{
    while (list) {
        struct bpmn_process *process = list;
        list = process->next;
        for (size_t i = 0; i < process->count; i++) {
            struct bpmn_element *e = &process->elements[i];
            mem_free(e->id);
            mem_free(e->job_type);
            mem_free(e->headers);
            mem_free(e->message);
            mem_free(e->correlation);
        }
        mem_free(process->elements);
        mem_free(process->id);
        mem_free(process);
    }
}
