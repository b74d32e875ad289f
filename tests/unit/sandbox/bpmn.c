#include "broker.h"

#include "core/mem.h"
#include "sandbox/bpmn.h"

#include <stdio.h>
#include <string.h>

#define START       "<startEvent id='s'/>"
#define END         "<endEvent id='e'/>"
#define DEFINE      "<extensionElements><zeebe:taskDefinition type='t'/></extensionElements>"
#define ONE(node)   START FLOW("f1", "s", "x") node FLOW("f2", "x", "e") END
#define TASK(more)  ONE("<serviceTask id='x'>" more "</serviceTask>")
#define CATCH(more) ONE("<intermediateCatchEvent id='x'>" more "</intermediateCatchEvent>")
#define TIMER(duration)                                                                            \
    CATCH("<timerEventDefinition><timeDuration>" duration "</timeDuration></"                      \
          "timerEventDefinition>")

static struct bpmn_process *read_file(const char *text, size_t len, struct buf *report)
{
    *report = (struct buf)BUF_INIT(BPMN_REPORT_MAX + 1);
    return bpmn_read((weir_bytes){text, len}, report);
}

static struct bpmn_process *read_inside(const char *inside)
{
    struct buf report;
    char *file = bpmn_around("p", inside);
    struct bpmn_process *list = read_file(file, strlen(file), &report);
    if (!list)
        fail_msg("%s", report.data);
    buf_free(&report);
    mem_free(file);
    return list;
}

static void a_line_is_read(void **state)
{
    (void)state;
    struct bpmn_process *p =
        read_inside("<documentation>d</documentation><laneSet><lane id='l'/></laneSet>" TASK(
            "<documentation>d</documentation><extensionElements><zeebe:taskDefinition type='t' "
            "retries='7'/><zeebe:taskHeaders><zeebe:header key='a' value='b&quot;'/><zeebe:header "
            "key='c' value='&#xe9;'/></zeebe:taskHeaders></extensionElements><incoming>f1"
            "</incoming>"));
    assert_string_equal(p->id, "p");
    assert_int_equal(p->count, 3);
    assert_int_equal(p->start, 0);
    const struct bpmn_element *x = &p->elements[bpmn_find(p, "x")];
    assert_int_equal(p->elements[p->start].next, bpmn_find(p, "x"));
    assert_int_equal(x->next, bpmn_find(p, "e"));
    assert_int_equal(p->elements[x->next].next, -1);
    assert_int_equal(x->kind, BPMN_JOB);
    assert_int_equal(x->retries, 7);
    assert_string_equal(x->job_type, "t");
    assert_string_equal(x->headers, "{\"a\":\"b\\\"\",\"c\":\"\xc3\xa9\"}");
    assert_int_equal(bpmn_find(p, "nope"), -1);
    bpmn_free(p);
}

static void tasks_and_waits_are_of_many_kinds(void **state)
{
    static const struct {
        const char *inside, *type, *job_type, *message, *correlation;
        enum bpmn_kind kind;
        bool is_text;
        int64_t ms;
    } stories[] = {
        {TASK(DEFINE), "SERVICE_TASK", "t", NULL, NULL, BPMN_JOB, false, 0},
        {ONE("<sendTask id='x'>" DEFINE "</sendTask>"), "SEND_TASK", "t", NULL, NULL, BPMN_JOB,
         false, 0},
        {ONE("<scriptTask id='x'>" DEFINE "</scriptTask>"), "SCRIPT_TASK", "t", NULL, NULL,
         BPMN_JOB, false, 0},
        {ONE("<businessRuleTask id='x'>" DEFINE "</businessRuleTask>"), "BUSINESS_RULE_TASK", "t",
         NULL, NULL, BPMN_JOB, false, 0},
        {TASK("<extensionElements><zeebe:taskDefinition type='= \"u v\"' retries='=3'/>"
              "</extensionElements>"),
         "SERVICE_TASK", "u v", NULL, NULL, BPMN_JOB, false, 0},
        {CATCH("<messageEventDefinition messageRef='m'/>"), "INTERMEDIATE_CATCH_EVENT", NULL,
         "paid", "order", BPMN_MESSAGE, false, 0},
        {ONE("<receiveTask id='x' messageRef='m'/>"), "RECEIVE_TASK", NULL, "paid", "order",
         BPMN_MESSAGE, false, 0},
        {TIMER(" PT1M1.5S "), "INTERMEDIATE_CATCH_EVENT", NULL, NULL, NULL, BPMN_TIMER, false,
         61500},
    };
    (void)state;
    for (size_t i = 0; i < COUNT(stories); i++) {
        struct bpmn_process *p = read_inside(stories[i].inside);
        const struct bpmn_element *x = &p->elements[bpmn_find(p, "x")];
        assert_int_equal(x->kind, stories[i].kind);
        assert_string_equal(x->type, stories[i].type);
        if (stories[i].job_type)
            assert_string_equal(x->job_type, stories[i].job_type);
        if (stories[i].message)
            assert_string_equal(x->message, stories[i].message);
        if (stories[i].correlation)
            assert_string_equal(x->correlation, stories[i].correlation);
        assert_int_equal(x->correlation_is_text, stories[i].is_text);
        assert_int_equal(x->duration_ms, stories[i].ms);
        bpmn_free(p);
    }
}

/* Inside of a process, and what the report must begin with. */
static const struct {
    const char *inside, *report;
} refused[] = {
    {ONE("<exclusiveGateway id='x'/>"),
     "- Element: x\n    - ERROR: the sandbox does not interpret exclusiveGateway\n"},
    {ONE("<parallelGateway id='x'/>"),
     "- Element: x\n    - ERROR: the sandbox does not interpret parallelGateway\n"},
    {ONE("<userTask id='x'/>"),
     "- Element: x\n    - ERROR: the sandbox does not interpret userTask\n"},
    {ONE("<subProcess id='x'><startEvent id='y'/></subProcess>"),
     "- Element: x\n    - ERROR: the sandbox does not interpret subProcess\n"},
    {ONE("<callActivity id='x'/>"),
     "- Element: x\n    - ERROR: the sandbox does not interpret callActivity\n"},
    {ONE("<task id='x'/>"), "- Element: x\n    - ERROR: the sandbox does not interpret task\n"},
    {TASK(DEFINE) "<boundaryEvent id='b' attachedToRef='x'/>",
     "- Element: b\n    - ERROR: the sandbox does not interpret boundaryEvent\n"},
    {TASK(DEFINE "<multiInstanceLoopCharacteristics/>"),
     "- Element: x\n    - ERROR: the sandbox does not interpret "
     "multiInstanceLoopCharacteristics\n"},
    {TASK("<extensionElements><zeebe:taskDefinition type='t'/><zeebe:ioMapping/>"
          "</extensionElements>"),
     "- Element: x\n    - ERROR: the sandbox does not interpret zeebe:ioMapping\n"},
    {TASK("<extensionElements><zeebe:executionListeners/></extensionElements>"),
     "- Element: x\n    - ERROR: the sandbox does not interpret zeebe:executionListeners\n"},
    {TASK(""),
     "- Element: x\n    - ERROR: Must have exactly one 'zeebe:taskDefinition' extension element\n"},
    {TASK("<extensionElements><zeebe:taskDefinition type='=a'/></extensionElements>"),
     "- Element: x\n    - ERROR: the sandbox does not evaluate the type '=a': only a text\n"},
    {TASK("<extensionElements><zeebe:taskDefinition type=''/></extensionElements>"),
     "- Element: x\n    - ERROR: Attribute 'type' must be present and not empty\n"},
    {TASK("<extensionElements><zeebe:taskDefinition type='t' retries='=r'/></extensionElements>"),
     "- Element: x\n    - ERROR: the sandbox does not evaluate the retries '=r': only a number\n"},
    {"<startEvent id='s'><messageEventDefinition messageRef='m'/></startEvent>",
     "- Element: s\n    - ERROR: the sandbox does not interpret messageEventDefinition of "
     "startEvent\n"},
    {"<startEvent id='s'><timerEventDefinition/></startEvent>",
     "- Element: s\n    - ERROR: the sandbox does not interpret timerEventDefinition of "
     "startEvent"},
    {START FLOW("f", "s", "e") "<endEvent id='e'><errorEventDefinition/></endEvent>",
     "- Element: e\n    - ERROR: the sandbox does not interpret errorEventDefinition\n"},
    {START FLOW("f", "s", "e") "<endEvent id='e'>" DEFINE "</endEvent>",
     "- Element: e\n    - ERROR: the sandbox does not interpret zeebe:taskDefinition of "
     "endEvent\n"},
    {CATCH(""), "- Element: x\n    - ERROR: Must have exactly one event definition\n"},
    {CATCH("<signalEventDefinition/>"),
     "- Element: x\n    - ERROR: the sandbox does not interpret signalEventDefinition\n"},
    {CATCH("<messageEventDefinition messageRef='nope'/>"),
     "- Element: x > messageEventDefinition\n    - ERROR: Must reference a message\n"},
    {CATCH("<messageEventDefinition messageRef='m'/><timerEventDefinition/>"),
     "- Element: x\n    - ERROR: the sandbox does not interpret more than one definition in "
     "intermediateCatchEvent\n"},
    {CATCH("<timerEventDefinition><timeDate>x</timeDate></timerEventDefinition>"),
     "- Element: x\n    - ERROR: the sandbox does not interpret timeDate\n"},
    {CATCH("<timerEventDefinition/>"), "- Element: x\n    - ERROR: Must have a time duration\n"},
    {TIMER("=wait"),
     "- Element: x\n    - ERROR: the sandbox does not evaluate the duration '=wait'"},
    {TIMER("10s"), "- Element: x\n    - ERROR: Invalid timer duration expression (Invalid duration "
                   "format '10s' for expression '10s'.)\n"},
    {START FLOW("f1", "s", "e") FLOW("f2", "s", "e") END,
     "- Element: s\n    - ERROR: the sandbox does not interpret more than one sequence flow out of "
     "startEvent\n"},
    {START
     "<sequenceFlow id='f' sourceRef='s' targetRef='e'><conditionExpression/></sequenceFlow>" END,
     "- Element: p\n    - ERROR: the sandbox does not interpret conditionExpression\n"},
    {START END FLOW("f", "e", "s"),
     "- Element: e\n    - ERROR: the sandbox does not interpret a sequence flow out of endEvent\n"},
    {START FLOW("f", "s", "nowhere"),
     "- Element: f\n    - ERROR: it refers to 'nowhere', which the sandbox does not know\n"},
    {START "<startEvent id='s2'/>",
     "- Element: p\n    - ERROR: Multiple none start events are not allowed\n"},
    {END, "- Element: p\n    - ERROR: Must have at least one start event\n"},
    {START "<endEvent id='s'/>", "- Element: s\n    - ERROR: its id is another element's, too\n"},
    {"<extensionElements><zeebe:executionListeners/></extensionElements>" START,
     "- Element: p\n    - ERROR: the sandbox does not interpret zeebe:executionListeners\n"},
};

static void what_is_not_a_line_is_refused_by_name(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(refused); i++) {
        struct buf report;
        char *file = bpmn_around("p", refused[i].inside);
        assert_null(read_file(file, strlen(file), &report));
        if (!report.data || strncmp(report.data, refused[i].report, strlen(refused[i].report)) != 0)
            fail_msg("%s: %s", refused[i].inside, report.data ? report.data : "no report");
        buf_free(&report);
        mem_free(file);
    }
}

/* Whole files. */
static void what_is_no_bpmn_is_refused(void **state)
{
    static const char bpmn[] = "xmlns='http://www.omg.org/spec/BPMN/20100524/MODEL'";
    static const struct {
        const char *before, *after, *report;
    } stories[] = {
        {"", "", "line 1: no element found\n"},
        {"<a>", "", "line 1: it is no BPMN: its first element is not <definitions>\n"},
        {"<definitions/>", "", "line 1: it is no BPMN"},
        {"<definitions ", "/>",
         "- Element: definitions\n    - ERROR: Must contain at least one executable process\n"},
        {"<definitions ",
         "><process id='p' isExecutable='false'><userTask/></process>"
         "<process id='q'/></definitions>",
         "- Element: definitions\n    - ERROR: Must contain at least one executable process\n"},
        {"<definitions ", "><process", "line 1: unclosed token\n"},
        {"<!DOCTYPE d [<!ENTITY a 'x'>]><definitions ", "/>",
         "line 1: it has a document type, which BPMN has not\n"},
        {"<definitions ", ">&a;</definitions>", "line 1: undefined entity\n"},
        {"<definitions ", "><choreography id='c'/></definitions>",
         "- Element: c\n    - ERROR: the sandbox does not interpret choreography\n"},
    };
    (void)state;
    for (size_t i = 0; i < COUNT(stories); i++) {
        char file[600];
        struct buf report;
        (void)snprintf(file, sizeof file, "%s%s%s", stories[i].before,
                       *stories[i].after ? bpmn : "", stories[i].after);
        assert_null(read_file(file, strlen(file), &report));
        if (!report.data || strncmp(report.data, stories[i].report, strlen(stories[i].report)) != 0)
            fail_msg("%s: %s", file, report.data ? report.data : "no report");
        buf_free(&report);
    }
}

static void what_grows_has_limits(void **state)
{
    struct buf deep = BUF_INIT(100000), wide = BUF_INIT(1000000), report;
    (void)state;
    buf_adds(&deep, "<definitions xmlns='http://www.omg.org/spec/BPMN/20100524/MODEL'>");
    for (int i = 0; i < BPMN_DEPTH_MAX + 1; i++)
        buf_adds(&deep, "<documentation>");
    assert_null(read_file(deep.data, deep.len, &report));
    assert_non_null(strstr(report.data, "nested too deeply"));
    buf_free(&report);
    for (int i = 0; i < BPMN_ELEMENTS_MAX + 10; i++)
        buf_addf(&wide, "<userTask id='u%d'/><endEvent id='e%d'/>", i, i);
    char *file = bpmn_around("p", wide.data);
    assert_null(read_file(file, strlen(file), &report));
    assert_true(report.len < BPMN_REPORT_MAX);
    buf_free(&report);
    buf_free(&deep);
    buf_free(&wide);
    mem_free(file);
}

static void several_processes_are_a_file_s(void **state)
{
    struct buf report;
    static const char file[] =
        "<b:definitions xmlns:b='http://www.omg.org/spec/BPMN/20100524/MODEL' "
        "xmlns:di='urn:di'><b:process id='one' isExecutable='true'><b:startEvent id='s'/>"
        "<di:x/></b:process><b:process id='two' isExecutable='true'><b:startEvent id='s'/>"
        "</b:process><di:BPMNDiagram><di:whatever/></di:BPMNDiagram></b:definitions>";
    (void)state;
    struct bpmn_process *list = read_file(file, sizeof file - 1, &report);
    assert_non_null(list);
    assert_string_equal(list->id, "one");
    assert_string_equal(list->next->id, "two");
    assert_null(list->next->next);
    bpmn_free(list);
    buf_free(&report);
}

static void durations_are_those_of_iso_8601(void **state)
{
    static const struct {
        const char *text;
        int64_t ms; /* below 0: none */
    } stories[] = {
        {"PT0S", 0},
        {"PT1S", 1000},
        {"PT0.25S", 250},
        {"PT1H1M1S", 3661000},
        {"P1D", 86400000},
        {"P1W", 604800000},
        {"P1DT12H", 129600000},
        {"P", -1},
        {"PT", -1},
        {"", -1},
        {"1S", -1},
        {"PT1", -1},
        {"PT-1S", -1},
        {"PT1S ", -1},
        {"P1Y", -1},
        {"PT1.5H", -1},
        {"PT.5S", -1},
        {"PT1S1S", -1},
        {"P1DT", -1},
        {"PT99999999999999999999S", -1},
    };
    (void)state;
    for (size_t i = 0; i < COUNT(stories); i++) {
        int64_t ms = -1;
        bool good = bpmn_duration(stories[i].text, &ms);
        if (good != (stories[i].ms >= 0) || (good && ms != stories[i].ms))
            fail_msg("%s: %d, %lld", stories[i].text, good, (long long)ms);
    }
    assert_true(bpmn_is_path("a.b_1"));
    assert_false(bpmn_is_path(""));
    assert_false(bpmn_is_path("a."));
    assert_false(bpmn_is_path("1a"));
    assert_false(bpmn_is_path("a b"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_line_is_read),
        cmocka_unit_test(tasks_and_waits_are_of_many_kinds),
        cmocka_unit_test(what_is_not_a_line_is_refused_by_name),
        cmocka_unit_test(what_is_no_bpmn_is_refused),
        cmocka_unit_test(what_grows_has_limits),
        cmocka_unit_test(several_processes_are_a_file_s),
        cmocka_unit_test(durations_are_those_of_iso_8601),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
