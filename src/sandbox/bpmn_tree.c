/* A table of what may stand in what; what stands elsewhere is refused by name, and what only the
 * eye sees (diagrams, lanes, notes, documentation) is passed over. expat (namespaces on) walks the
 * file; it never sees a DTD through, so no entity is ever expanded. */
#include "sandbox/bpmn_private.h"

#include "core/mem.h"

#include <expat.h>
#include <string.h>

#define BPMN  "http://www.omg.org/spec/BPMN/20100524/MODEL|"
#define ZEEBE "http://camunda.org/schema/zeebe/1.0|"

typedef void opener(struct bpmn_reader *r, const char *tag, const char *const *attributes);

static const struct rule {
    enum bpmn_place in;
    const char *name; /* with its namespace */
    enum bpmn_place then;
    opener *open;
} rules[] = {
    {IN_DOCUMENT, BPMN "definitions", IN_DEFINITIONS, NULL},

    {IN_DEFINITIONS, BPMN "process", IN_PROCESS, bpmn_on_process},
    {IN_DEFINITIONS, BPMN "message", IN_MESSAGE, bpmn_on_message},
    {IN_DEFINITIONS, BPMN "collaboration", IN_NOTHING, NULL},
    {IN_DEFINITIONS, BPMN "category", IN_NOTHING, NULL},
    {IN_DEFINITIONS, BPMN "error", IN_NOTHING, NULL},
    {IN_DEFINITIONS, BPMN "signal", IN_NOTHING, NULL},
    {IN_DEFINITIONS, BPMN "escalation", IN_NOTHING, NULL},
    {IN_DEFINITIONS, BPMN "itemDefinition", IN_NOTHING, NULL},
    {IN_DEFINITIONS, BPMN "dataStore", IN_NOTHING, NULL},
    {IN_DEFINITIONS, BPMN "documentation", IN_NOTHING, NULL},
    {IN_DEFINITIONS, BPMN "extensionElements", IN_NOTHING, NULL},

    {IN_MESSAGE, BPMN "documentation", IN_NOTHING, NULL},
    {IN_MESSAGE, BPMN "extensionElements", IN_MESSAGE_MORE, NULL},
    {IN_MESSAGE_MORE, ZEEBE "subscription", IN_NOTHING, bpmn_on_subscription},

    {IN_PROCESS, BPMN "startEvent", IN_NODE, bpmn_on_node},
    {IN_PROCESS, BPMN "endEvent", IN_NODE, bpmn_on_node},
    {IN_PROCESS, BPMN "serviceTask", IN_NODE, bpmn_on_node},
    {IN_PROCESS, BPMN "sendTask", IN_NODE, bpmn_on_node},
    {IN_PROCESS, BPMN "scriptTask", IN_NODE, bpmn_on_node},
    {IN_PROCESS, BPMN "businessRuleTask", IN_NODE, bpmn_on_node},
    {IN_PROCESS, BPMN "receiveTask", IN_NODE, bpmn_on_node},
    {IN_PROCESS, BPMN "intermediateCatchEvent", IN_NODE, bpmn_on_node},
    {IN_PROCESS, BPMN "sequenceFlow", IN_FLOW, bpmn_on_flow},
    {IN_PROCESS, BPMN "documentation", IN_NOTHING, NULL},
    {IN_PROCESS, BPMN "extensionElements", IN_PROCESS_MORE, NULL},
    {IN_PROCESS, BPMN "laneSet", IN_NOTHING, NULL},
    {IN_PROCESS, BPMN "textAnnotation", IN_NOTHING, NULL},
    {IN_PROCESS, BPMN "association", IN_NOTHING, NULL},
    {IN_PROCESS, BPMN "group", IN_NOTHING, NULL},
    {IN_PROCESS, BPMN "dataObject", IN_NOTHING, NULL},
    {IN_PROCESS, BPMN "dataObjectReference", IN_NOTHING, NULL},
    {IN_PROCESS, BPMN "dataStoreReference", IN_NOTHING, NULL},
    {IN_PROCESS_MORE, ZEEBE "properties", IN_NOTHING, NULL},
    {IN_PROCESS_MORE, ZEEBE "versionTag", IN_NOTHING, NULL},

    {IN_FLOW, BPMN "documentation", IN_NOTHING, NULL},
    {IN_FLOW, BPMN "extensionElements", IN_NOTHING, NULL},

    {IN_NODE, BPMN "incoming", IN_NOTHING, NULL},
    {IN_NODE, BPMN "outgoing", IN_NOTHING, NULL},
    {IN_NODE, BPMN "documentation", IN_NOTHING, NULL},
    {IN_NODE, BPMN "extensionElements", IN_NODE_MORE, NULL},
    {IN_NODE, BPMN "messageEventDefinition", IN_MESSAGE_EVENT, bpmn_on_message_event},
    {IN_NODE, BPMN "timerEventDefinition", IN_TIMER_EVENT, bpmn_on_timer_event},
    {IN_NODE_MORE, ZEEBE "taskDefinition", IN_NOTHING, bpmn_on_task},
    {IN_NODE_MORE, ZEEBE "taskHeaders", IN_HEADERS, NULL},
    {IN_NODE_MORE, ZEEBE "properties", IN_NOTHING, NULL},
    {IN_HEADERS, ZEEBE "header", IN_NOTHING, bpmn_on_header},
    {IN_MESSAGE_EVENT, BPMN "documentation", IN_NOTHING, NULL},
    {IN_MESSAGE_EVENT, BPMN "extensionElements", IN_NOTHING, NULL},
    {IN_TIMER_EVENT, BPMN "documentation", IN_NOTHING, NULL},
    {IN_TIMER_EVENT, BPMN "timeDuration", IN_DURATION, NULL},
};

#define RULES (sizeof rules / sizeof rules[0])

struct walk {
    struct bpmn_reader *reader;
    XML_Parser parser;
    enum bpmn_place stack[BPMN_DEPTH_MAX];
    size_t depth;
    const char *why; /* it was stopped */
};

const char *bpmn_attribute(const char *const *attributes, const char *name)
{
    for (; *attributes; attributes += 2) {
        if (strcmp(attributes[0], name) == 0)
            return attributes[1];
    }
    return "";
}

static const char *local_name(const char *name)
{
    const char *bar = strrchr(name, '|');
    return bar ? bar + 1 : name;
}

static bool is_of(const char *name, const char *space)
{
    return strncmp(name, space, strlen(space)) == 0;
}

static void stop(struct walk *walk, const char *why)
{
    walk->why = why;
    XML_StopParser(walk->parser, XML_FALSE);
}

/* Something that stands where nobody knows it. */
static void refuse(struct walk *walk, const char *name, const char *const *attributes)
{
    struct bpmn_reader *r = walk->reader;
    const char *id = bpmn_attribute(attributes, "id"), *tag = local_name(name);
    const char *around = r->node ? r->node->id : r->process ? r->process->id : "";
    bool zeebe = is_of(name, ZEEBE);
    if (walk->depth == 0)
        stop(walk, "it is no BPMN: its first element is not <definitions>");
    else
        bpmn_complain(r, *id && !zeebe ? id : around, "the sandbox does not interpret %s%.60s",
                      zeebe ? "zeebe:" : "", tag);
}

static enum bpmn_place enter(struct walk *walk, const char *name, const char *const *attributes)
{
    enum bpmn_place in = walk->depth ? walk->stack[walk->depth - 1] : IN_DOCUMENT;
    bool ours = is_of(name, BPMN) || is_of(name, ZEEBE);
    if (in == IN_NOTHING || (!ours && walk->depth))
        return IN_NOTHING;
    for (size_t i = 0; i < RULES; i++) {
        if (rules[i].in != in || strcmp(rules[i].name, name) != 0)
            continue;
        if (rules[i].open)
            rules[i].open(walk->reader, local_name(name), attributes);
        bool passed_over = rules[i].then == IN_PROCESS && !walk->reader->process;
        return passed_over ? IN_NOTHING : rules[i].then;
    }
    refuse(walk, name, attributes);
    return IN_NOTHING;
}

static void XMLCALL on_start(void *user, const XML_Char *name, const XML_Char **attributes)
{
    struct walk *walk = user;
    if (walk->depth == BPMN_DEPTH_MAX) {
        stop(walk, "its elements are nested too deeply");
        return;
    }
    enum bpmn_place then = enter(walk, name, attributes);
    walk->stack[walk->depth++] = then;
    if (walk->reader->starved)
        stop(walk, NULL);
}

static void XMLCALL on_end(void *user, const XML_Char *name)
{
    struct walk *walk = user;
    enum bpmn_place was = walk->stack[--walk->depth];
    (void)name;
    if (was == IN_DURATION)
        bpmn_end_duration(walk->reader);
    if (was == IN_NODE)
        bpmn_end_node(walk->reader);
    if (was == IN_PROCESS)
        bpmn_end_process(walk->reader);
}

static void XMLCALL on_text(void *user, const XML_Char *text, int len)
{
    struct walk *walk = user;
    struct bpmn_reader *r = walk->reader;
    if (!walk->depth || walk->stack[walk->depth - 1] != IN_DURATION)
        return;
    size_t room = sizeof r->text - 1 - r->text_len;
    size_t take = (size_t)len < room ? (size_t)len : room;
    memcpy(r->text + r->text_len, text, take);
    r->text_len += take;
    r->text[r->text_len] = '\0';
}

static void XMLCALL on_doctype(void *user, const XML_Char *name, const XML_Char *system,
                               const XML_Char *public, int internal)
{
    (void)name;
    (void)system;
    (void)public;
    (void)internal;
    stop(user, "it has a document type, which BPMN has not");
}

/* expat 2.5 takes some failed allocations for a fault of the file: they are remembered. */
static _Thread_local bool ran_out;

static void *allocate(size_t size)
{
    void *memory = mem_zalloc(size);
    ran_out |= !memory;
    return memory;
}

static void *reallocate(void *old, size_t size)
{
    void *memory = mem_realloc(old, size);
    ran_out |= !memory;
    return memory;
}

static bool parse(struct walk *walk, weir_bytes file)
{
    struct buf *report = walk->reader->report;
    static const char nothing[1] = "";
    const char *data = file.data ? file.data : nothing;
    if (XML_Parse(walk->parser, data, (int)file.len, XML_TRUE) == XML_STATUS_OK && !ran_out)
        return true;
    enum XML_Error code = XML_GetErrorCode(walk->parser);
    if (code == XML_ERROR_NO_MEMORY || walk->reader->starved || ran_out)
        walk->reader->starved = true;
    else
        buf_addf(report, "line %lu: %s\n", (unsigned long)XML_GetCurrentLineNumber(walk->parser),
                 walk->why ? walk->why : XML_ErrorString(code));
    return false;
}

bool bpmn_walk(struct bpmn_reader *r, weir_bytes file)
{
    static const XML_Memory_Handling_Suite memory = {allocate, reallocate, mem_free};
    ran_out = false;
    struct walk walk = {.reader = r, .parser = XML_ParserCreate_MM(NULL, &memory, "|")};
    if (!walk.parser) {
        r->starved = true;
        return false;
    }
    XML_SetUserData(walk.parser, &walk);
    XML_SetElementHandler(walk.parser, on_start, on_end);
    XML_SetCharacterDataHandler(walk.parser, on_text);
    XML_SetStartDoctypeDeclHandler(walk.parser, on_doctype);
    bool good = parse(&walk, file);
    XML_ParserFree(walk.parser);
    return good;
}
