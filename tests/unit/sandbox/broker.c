#include "broker.h"

#include "core/mem.h"
#include "core/text.h"
#include "sandbox/gateway_rpc.h"
#include "sandbox/names.h"
#include "zeebe/codec.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void on_incident(void *user, const struct engine_incident *incident)
{
    struct broker *broker = user;
    broker->incident_key = incident->key;
    (void)snprintf(broker->incident, sizeof broker->incident, "%s %s: %s", incident->element,
                   incident->type, incident->message);
}

void broker_begin(struct broker *broker, const struct engine_limits *limits)
{
    struct engine_options options = {.incident = on_incident, .user = broker};
    *broker = (struct broker){.now_ms = 1000};
    if (limits)
        options.limits = *limits;
    broker->engine = engine_new(&options);
    assert_non_null(broker->engine);
    broker_pass(broker, 0);
}

void broker_end(struct broker *broker)
{
    mem_free(broker->answer);
    engine_free(broker->engine);
}

void broker_pass(struct broker *broker, int64_t ms)
{
    broker->now_ms += ms;
    engine_set_time(broker->engine, broker->now_ms * 1000000,
                    (broker->now_ms + INT64_C(1700000000000)) * 1000000);
    engine_pump(broker->engine);
}

static const struct codec_method *method_of(const char *rpc)
{
    const struct codec_method *method = codec_method_find(rpc, NULL);
    assert_non_null(method);
    return method;
}

static void ask(struct broker *broker, const char *rpc, const char *json, struct waiter *waiter,
                struct rpc_reply *reply)
{
    char *wire = NULL;
    size_t len = 0;
    weir_error err = {0};
    const struct codec_method *method = method_of(rpc);
    if (codec_json_to_wire(method->request, json, &wire, &len, &err) != WEIR_OK)
        fail_msg("%s: %s", json, err.message);
    struct gateway_ask asked = {
        .engine = broker->engine, .method = method, .request = {wire, len}, .waiter = waiter};
    gateway_reply(&asked, reply);
    mem_free(wire);
}

static char *json_of(const char *rpc, const char *message, size_t len)
{
    char *text =
        codec_wire_to_json(method_of(rpc)->response, (weir_bytes){message, len}, true, NULL);
    assert_non_null(text);
    return text;
}

const char *broker_ask(struct broker *broker, const char *rpc, const char *json)
{
    struct rpc_reply reply;
    struct waiter none = {.deliver = NULL};
    struct buf text = BUF_INIT(4096);
    ask(broker, rpc, json, &none, &reply);
    assert_false(reply.waits);
    waiter_leave(&none);
    mem_free(broker->answer);
    if (reply.status) {
        buf_addf(&text, "%s: %s", grpc_name(reply.status), reply.text);
        broker->answer = text.data;
        assert_null(reply.message);
    } else {
        broker->answer = json_of(rpc, reply.message, reply.len);
    }
    mem_free(reply.message);
    engine_pump(broker->engine);
    return broker->answer;
}

const char *broker_askf(struct broker *broker, const char *rpc, const char *fmt, ...)
{
    char json[2000];
    va_list args;
    va_start(args, fmt);
    (void)vsnprintf(json, sizeof json, fmt, args);
    va_end(args);
    return broker_ask(broker, rpc, json);
}

void broker_does(struct broker *broker, const char *rpc, const char *json)
{
    assert_string_equal(broker_ask(broker, rpc, json), "{}");
}

static bool deliver(void *user, weir_bytes message, bool last)
{
    struct got *got = user;
    if (got->gone) {
        waiter_leave(&got->waiter);
        return false;
    }
    if (message.data) {
        char *json = json_of(got->rpc, message.data, message.len);
        struct buf text = BUF_INIT((size_t)64 * 1024 * 1024);
        buf_addf(&text, "%s%s", got->text ? got->text : "", got->text ? "\n" : "");
        buf_adds(&text, json);
        mem_free(got->text);
        mem_free(json);
        got->text = text.data;
        got->messages++;
    }
    got->over |= last;
    return true;
}

static bool has_room(void *user)
{
    const struct got *got = user;
    return !got->full;
}

void broker_wait(struct broker *broker, struct got *got, const char *rpc, const char *json)
{
    got->broker = broker;
    got->rpc = rpc;
    got->waiter = (struct waiter){.deliver = deliver, .has_room = has_room, .user = got};
    ask(broker, rpc, json, &got->waiter, &got->reply);
    engine_pump(broker->engine);
}

void got_end(struct got *got)
{
    waiter_leave(&got->waiter);
    mem_free(got->text);
    mem_free(got->reply.message);
    *got = (struct got){.text = NULL};
}

int64_t number_in(const char *json, const char *member, int from)
{
    char words[80];
    (void)snprintf(words, sizeof words, "\"%s\":", member);
    const char *at = json ? strstr(json, words) : NULL;
    for (; at && from > 0; from--)
        at = strstr(at + 1, words);
    if (!at)
        fail_msg("no %s in %s", member, json ? json : "nothing");
    at += strlen(words);
    return strtoll(at + (*at == '"'), NULL, 10);
}

char *bpmn_around(const char *id, const char *inside)
{
    struct buf text = BUF_INIT((size_t)8 * 1024 * 1024);
    buf_addf(&text,
             "<definitions xmlns='http://www.omg.org/spec/BPMN/20100524/MODEL' "
             "xmlns:zeebe='http://camunda.org/schema/zeebe/1.0'>"
             "<message id='m' name='paid'><extensionElements><zeebe:subscription "
             "correlationKey='=order'/></extensionElements></message>"
             "<process id='%s' isExecutable='true'>",
             id);
    buf_adds(&text, inside);
    buf_adds(&text, "</process></definitions>");
    assert_false(text.failed);
    return text.data;
}

void broker_deploy(struct broker *broker, const char *id, const char *inside)
{
    char *file = bpmn_around(id, inside);
    struct buf json = BUF_INIT((size_t)8 * 1024 * 1024);
    buf_adds(&json, "{\"resources\":[{\"name\":\"x.bpmn\",\"content\":\"");
    base64_add(&json, file, strlen(file), true);
    buf_adds(&json, "\"}]}");
    const char *answer = broker_ask(broker, "DeployResource", json.data);
    if (!strstr(answer, "\"processDefinitionKey\""))
        fail_msg("%s", answer);
    buf_free(&json);
    mem_free(file);
}

void broker_deploy_task(struct broker *broker)
{
    broker_deploy(broker, "p",
                  "<startEvent id='start'/><sequenceFlow id='a' sourceRef='start' "
                  "targetRef='task'/><serviceTask id='task'><extensionElements>"
                  "<zeebe:taskDefinition type='t'/><zeebe:taskHeaders><zeebe:header key='colour' "
                  "value='red'/></zeebe:taskHeaders></extensionElements></serviceTask>"
                  "<sequenceFlow id='b' sourceRef='task' targetRef='end'/><endEvent id='end'/>");
}

int64_t broker_job(struct broker *broker, const char *type, int64_t lock_ms)
{
    char json[200];
    struct got got = {.text = NULL};
    (void)snprintf(json, sizeof json,
                   "{\"type\":\"%s\",\"worker\":\"w\",\"timeout\":%lld,\"maxJobsToActivate\":1}",
                   type, (long long)lock_ms);
    broker_wait(broker, &got, "ActivateJobs", json);
    int64_t key = got.text ? number_in(got.text, "key", 0) : 0;
    got_end(&got);
    return key;
}

void expect(const char *answer, const char *beginning)
{
    if (strncmp(answer, beginning, strlen(beginning)) != 0)
        fail_msg("\"%s\" does not begin with \"%s\"", answer, beginning);
}

int64_t broker_instance(struct broker *broker, const char *process, const char *variables)
{
    return number_in(broker_askf(broker, "CreateProcessInstance",
                                 "{\"bpmnProcessId\":\"%s\",\"version\":-1,\"variables\":\"%s\"}",
                                 process, variables),
                     "processInstanceKey", 0);
}

bool broker_runs(struct broker *broker, int64_t instance)
{
    const char *answer =
        broker_askf(broker, "SetVariables", "{\"elementInstanceKey\":%lld}", (long long)instance);
    return strncmp(answer, "NOT_FOUND", 9) != 0;
}
