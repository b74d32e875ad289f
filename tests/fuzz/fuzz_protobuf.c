/* Any bytes as any message of the gateway (the first byte says which): what is read is written as
 * JSON that is read as the same message; the structs of the API are made of anything or refused. */
#include "core/mem.h"
#include "zeebe/codec.h"
#include "zeebe/codec_results.h"
#include "zeebe/codec_typed.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const struct ProtobufCMessageDescriptor *type_of(uint8_t which)
{
    size_t count = 0;
    while (codec_method_at(count))
        count++;
    const struct codec_method *method = codec_method_at(which / 2 % count);
    return which % 2 ? method->response : method->request;
}

static char *json_of(const struct codec_message *m, weir_error *err)
{
    struct buf text = BUF_INIT(SIZE_MAX / 4);
    if (codec_to_json(m->message, true, &text, err) == WEIR_OK)
        return text.data;
    if (err->status != WEIR_PROTOCOL) /* a text that is not UTF-8 */
        abort();
    buf_free(&text);
    return NULL;
}

static void expect_same(const struct ProtobufCMessageDescriptor *type, const char *text)
{
    weir_error err = {0};
    struct codec_message again;
    if (codec_from_json(&again, type, text, strlen(text), &err) != WEIR_OK)
        abort();
    char *second = json_of(&again, &err);
    if (!second || strcmp(text, second) != 0)
        abort();
    mem_free(second);
    codec_message_free(&again);
}

static void walk_decision(const weir_decision *d)
{
    for (size_t i = 0; i < d->evaluated_count; i++) {
        for (size_t k = 0; k < d->evaluated[i].input_count; k++)
            (void)strlen(d->evaluated[i].inputs[k].value);
        for (size_t k = 0; k < d->evaluated[i].rule_count; k++)
            for (size_t n = 0; n < d->evaluated[i].rules[k].output_count; n++)
                (void)strlen(d->evaluated[i].rules[k].outputs[n].value);
    }
}

/* The answer to a typed command: all of it can be read, or it is refused. */
static void as_answers(weir_bytes wire)
{
    static const struct {
        enum codec_rpc rpc;
        codec_reader *reader;
    } rows[] = {
        {CODEC_CREATE_PROCESS_INSTANCE, codec_instance},
        {CODEC_CREATE_PROCESS_INSTANCE_WITH_RESULT, codec_instance},
        {CODEC_DEPLOY_RESOURCE, codec_deployment},
        {CODEC_DELETE_RESOURCE, codec_deletion},
        {CODEC_EVALUATE_DECISION, codec_decision},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        weir_error err = {0};
        int64_t key = 0;
        const struct codec_method *method = codec_method(rows[i].rpc);
        void *face = rows[i].reader(method, wire, &err);
        if (!face != (err.status == WEIR_PROTOCOL))
            abort();
        if (face && rows[i].reader == codec_decision)
            walk_decision(face);
        codec_result_free(face);
        if (codec_has_key(method))
            (void)codec_key(method, wire, &key, &err);
    }
}

static void as_structs(weir_bytes wire)
{
    weir_error err = {0};
    weir_health health;
    weir_topology *topology = codec_topology(codec_method(CODEC_TOPOLOGY), wire, &err);
    if (!topology != (err.status == WEIR_PROTOCOL))
        abort();
    for (size_t i = 1; topology && i < topology->broker_count; i++) {
        if (topology->brokers[i - 1].node_id > topology->brokers[i].node_id)
            abort();
    }
    weir_topology_free(topology);
    (void)codec_health(wire, &health, &err);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    weir_error err = {0};
    struct codec_message m;
    if (size == 0)
        return 0;
    const struct ProtobufCMessageDescriptor *type = type_of(data[0]);
    weir_bytes wire = {data + 1, size - 1};
    as_structs(wire);
    as_answers(wire);
    if (codec_unpack(&m, type, wire, &err) != WEIR_OK) {
        if (err.status != WEIR_PROTOCOL)
            abort();
        return 0;
    }
    char *text = json_of(&m, &err);
    if (text)
        expect_same(type, text);
    mem_free(text);
    codec_message_free(&m);
    return 0;
}
