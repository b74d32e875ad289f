/* Resources: BPMN and forms. A deployment is all or nothing: everything is read and allocated
 * first. What is the same as the latest version (content and name) is that version. DMN is refused
 * by name: the sandbox has no FEEL. */
#include "sandbox/engine_private.h"

#include "core/error.h"
#include "core/json.h"
#include "core/mem.h"
#include "zeebe/gateway.pb-c.h"

#include <stdio.h>
#include <string.h>

#define RESOURCES_MAX 1000 /* of one deployment */

/* ---- families ---- */

static struct family *family_find(const struct engine *engine, const char *id)
{
    struct table_node *node = table_first(&engine->families, table_hash(2, id, strlen(id)));
    for (; node; node = table_next(node)) {
        struct family *family = (struct family *)node;
        if (strcmp(family->id, id) == 0)
            return family;
    }
    return NULL;
}

static struct family *family_get(struct engine *engine, const char *id)
{
    struct family *family = family_find(engine, id);
    if (family)
        return family;
    family = mem_zalloc(sizeof *family);
    if (!family || !(family->id = engine_text(engine, id))) {
        mem_free(family);
        return NULL;
    }
    TAILQ_INIT(&family->definitions);
    TAILQ_INSERT_TAIL(&engine->all_families, family, all);
    table_add(&engine->families, &family->node, table_hash(2, id, strlen(id)));
    return family;
}

static struct form_family *form_family_get(struct engine *engine, const char *id)
{
    struct table_node *node = table_first(&engine->forms, table_hash(3, id, strlen(id)));
    for (; node; node = table_next(node)) {
        struct form_family *known = (struct form_family *)node;
        if (strcmp(known->id, id) == 0)
            return known;
    }
    struct form_family *family = mem_zalloc(sizeof *family);
    if (!family || !(family->id = engine_text(engine, id))) {
        mem_free(family);
        return NULL;
    }
    TAILQ_INSERT_TAIL(&engine->form_families, family, all);
    table_add(&engine->forms, &family->node, table_hash(3, id, strlen(id)));
    return family;
}

struct definition *definition_find(const struct engine *engine, const char *id, int version)
{
    const struct family *family = family_find(engine, id);
    struct definition *definition = family ? TAILQ_LAST(&family->definitions, definitions) : NULL;
    while (definition && version >= 0 && definition->version != version)
        definition = TAILQ_PREV(definition, definitions, link);
    return definition;
}

/* ---- definitions ---- */

static void definition_free(struct engine *engine, struct definition *definition)
{
    keyed_remove(engine, &definition->keyed);
    bpmn_free(definition->process);
    engine_drop(engine, definition->resource);
    engine->bytes -= definition->size;
    mem_free(definition);
}

void definition_release(struct engine *engine, struct definition *definition)
{
    if (--definition->users == 0 && definition->deleted)
        definition_free(engine, definition);
}

static void form_free(struct engine *engine, struct form *form)
{
    form->family->latest = NULL;
    keyed_remove(engine, &form->keyed);
    engine_drop(engine, form->resource);
    engine->bytes -= form->size;
    mem_free(form);
}

static void definition_delete(struct engine *engine, struct definition *definition)
{
    TAILQ_REMOVE(&definition->family->definitions, definition, link);
    definition->deleted = true;
    if (!definition->users)
        definition_free(engine, definition);
}

void deploy_free(struct engine *engine)
{
    struct family *family = NULL;
    struct form_family *forms = NULL;
    while ((family = TAILQ_FIRST(&engine->all_families))) {
        while (!TAILQ_EMPTY(&family->definitions))
            definition_delete(engine, TAILQ_FIRST(&family->definitions));
        TAILQ_REMOVE(&engine->all_families, family, all);
        engine_drop(engine, family->id);
        mem_free(family);
    }
    while ((forms = TAILQ_FIRST(&engine->form_families))) {
        if (forms->latest)
            form_free(engine, forms->latest);
        TAILQ_REMOVE(&engine->form_families, forms, all);
        engine_drop(engine, forms->id);
        mem_free(forms);
    }
}

/* ---- reading ---- */

struct source { /* one process or form of a deployment */
    const char *resource;
    weir_bytes content;
    uint64_t sum[2];
    struct bpmn_process *process;  /* its only one */
    char *form;                    /* its id */
    struct definition *definition; /* what it is in the end */
    struct form *made_form;
};

struct deployment {
    struct source *list;
    size_t count, cap;
    struct buf report; /* what is wrong */
    bool starved;
};

static struct source *source_add(struct deployment *d, const char *name, weir_bytes content)
{
    if (d->count == d->cap) {
        size_t cap = d->cap ? d->cap * 2 : 4;
        struct source *list = mem_realloc(d->list, cap * sizeof *list);
        if (!list) {
            d->starved = true;
            return NULL;
        }
        d->list = list;
        d->cap = cap;
    }
    struct source *source = &d->list[d->count++];
    *source = (struct source){.resource = name, .content = content};
    source->sum[0] = table_hash(17, content.data, content.len);
    source->sum[1] = table_hash(UINT64_C(0x9e3779b97f4a7c15), content.data, content.len);
    return source;
}

static void complain(struct deployment *d, const char *resource, const char *text)
{
    size_t room = BPMN_REPORT_MAX - d->report.len;
    if (room > 200 && *text)
        buf_addf(&d->report, "\n'%.100s': %.*s", resource, (int)(room - 160), text);
}

static void read_bpmn(struct deployment *d, const char *name, weir_bytes content)
{
    struct buf report = BUF_INIT(BPMN_REPORT_MAX + 1);
    struct bpmn_process *list = bpmn_read(content, &report);
    if (!list && !report.len)
        d->starved = true;
    while (report.len && report.data[report.len - 1] == '\n')
        report.data[--report.len] = '\0';
    if (report.len)
        complain(d, name, report.data);
    buf_free(&report);
    while (list) {
        struct bpmn_process *process = list;
        struct source *source = source_add(d, name, content);
        list = process->next;
        process->next = NULL;
        if (source)
            source->process = process;
        else
            bpmn_free(process);
    }
}

static void read_form(struct deployment *d, const char *name, weir_bytes content)
{
    weir_error err = {0};
    json_t *form = json_parse(content.data ? content.data : "", content.len, "form", &err);
    const char *id = json_string_value(json_object_get(form, "id"));
    char text[300];
    if (form && id && *id) {
        struct source *source = source_add(d, name, content);
        char *kept = mem_strdup(id);
        d->starved |= !kept;
        if (source)
            source->form = kept;
        else
            mem_free(kept);
    } else if (!form) {
        (void)snprintf(text, sizeof text, "Failed to parse form JSON. '%.100s': %.150s", name,
                       err.message);
        d->starved |= err.status == WEIR_NO_MEMORY;
        complain(d, name, text);
    } else if (d->report.len < BPMN_REPORT_MAX) {
        buf_adds(&d->report, id ? "\nExpected the form id to be filled, but it is blank"
                                : "\nExpected the form id to be present, but none given");
    }
    json_decref(form);
}

static bool ends_with(const char *name, const char *ending)
{
    size_t len = strlen(name), end = strlen(ending);
    return len >= end && strcmp(name + len - end, ending) == 0;
}

static void read_resource(struct deployment *d, const char *name, weir_bytes content)
{
    if (ends_with(name, ".bpmn") || ends_with(name, ".xml"))
        read_bpmn(d, name, content);
    else if (ends_with(name, ".form"))
        read_form(d, name, content);
    else if (ends_with(name, ".dmn"))
        complain(d, name, "the sandbox does not interpret decisions (DMN)");
    else
        complain(d, name, "unknown resource type");
}

/* The same id twice. */
static void check_twins(struct deployment *d)
{
    char text[400];
    struct table ids = {.slots = NULL};
    struct table_node *nodes = mem_array(d->count ? d->count : 1, sizeof *nodes);
    d->starved |= !nodes;
    for (size_t i = 0; nodes && i < d->count; i++) {
        const struct source *one = &d->list[i];
        const char *id = one->process ? one->process->id : one->form;
        if (!id)
            continue;
        uint64_t hash = table_hash(one->process ? 2 : 3, id, strlen(id));
        const struct table_node *twin = table_first(&ids, hash);
        if (twin && !d->report.len) {
            (void)snprintf(text, sizeof text,
                           one->process
                               ? "\nDuplicated process id in resources '%.100s' and '%.100s'"
                               : "\nDuplicated form id in resources '%.100s' and '%.100s'",
                           d->list[twin - nodes].resource, one->resource);
            buf_adds(&d->report, text);
        }
        table_add(&ids, &nodes[i], hash);
    }
    table_free(&ids);
    mem_free(nodes);
}

/* ---- deploying ---- */

static bool is_same(const struct source *source, const char *resource, const uint64_t sum[2],
                    size_t size)
{
    return size == source->content.len && sum[0] == source->sum[0] && sum[1] == source->sum[1] &&
           strcmp(resource, source->resource) == 0;
}

static bool make_definition(struct engine *engine, struct source *source)
{
    struct family *family = family_get(engine, source->process->id);
    struct definition *latest = family ? TAILQ_LAST(&family->definitions, definitions) : NULL;
    if (latest && is_same(source, latest->resource, latest->sum, latest->size)) {
        source->definition = latest;
        return true;
    }
    struct definition *made = family ? mem_zalloc(sizeof *made) : NULL;
    if (!made || !(made->resource = engine_text(engine, source->resource))) {
        mem_free(made);
        return false;
    }
    made->family = family;
    made->version = ++family->last_version;
    made->process = source->process;
    made->sum[0] = source->sum[0];
    made->sum[1] = source->sum[1];
    made->size = source->content.len;
    engine->bytes += made->size;
    source->process = NULL;
    source->definition = made;
    keyed_add(engine, &made->keyed, A_DEFINITION);
    TAILQ_INSERT_TAIL(&family->definitions, made, link);
    return true;
}

static bool make_form(struct engine *engine, struct source *source)
{
    struct form_family *family = form_family_get(engine, source->form);
    struct form *latest = family ? family->latest : NULL;
    if (latest && is_same(source, latest->resource, latest->sum, latest->size)) {
        source->made_form = latest;
        return true;
    }
    struct form *made = family ? mem_zalloc(sizeof *made) : NULL;
    if (!made || !(made->resource = engine_text(engine, source->resource))) {
        mem_free(made);
        return false;
    }
    if (latest)
        form_free(engine, latest); /* nothing can ask for an older one */
    made->family = family;
    made->version = ++family->last_version;
    made->sum[0] = source->sum[0];
    made->sum[1] = source->sum[1];
    made->size = source->content.len;
    engine->bytes += made->size;
    family->latest = source->made_form = made;
    keyed_add(engine, &made->keyed, A_FORM);
    return true;
}

static bool check(const struct ask *ask, struct deployment *d)
{
    size_t bytes = 0;
    const struct engine_limits *limits = &ask->engine->options.limits;
    check_twins(d);
    for (size_t i = 0; i < d->count; i++)
        bytes += d->list[i].content.len;
    if (d->starved)
        return reply_no_memory(ask->reply);
    if (d->report.len)
        return reply_reject(ask->reply, REPLY_INVALID_ARGUMENT, "CREATE",
                            "Expected to deploy new resources, but encountered the following "
                            "errors:%s",
                            d->report.data);
    return bytes < limits->bytes - ask->engine->bytes || !engine_is_full(ask, "resources");
}

static bool deploy(const struct ask *ask, struct deployment *d)
{
    bool good = check(ask, d);
    for (size_t i = 0; i < d->count && good; i++) {
        struct source *source = &d->list[i];
        good = (source->process ? make_definition(ask->engine, source)
                                : make_form(ask->engine, source)) ||
               reply_no_memory(ask->reply);
    }
    return good;
}

static void deployment_free(struct deployment *d)
{
    for (size_t i = 0; i < d->count; i++) {
        bpmn_free(d->list[i].process);
        mem_free(d->list[i].form);
    }
    mem_free(d->list);
    buf_free(&d->report);
}

/* ---- RPCs ---- */

static char default_tenant[] = DEFAULT_TENANT;

static void tell_process(const struct source *source, GatewayProtocol__ProcessMetadata *out)
{
    gateway_protocol__process_metadata__init(out);
    out->bpmnprocessid = source->definition->family->id;
    out->version = source->definition->version;
    out->processdefinitionkey = source->definition->keyed.key;
    out->resourcename = source->definition->resource;
    out->tenantid = default_tenant;
}

static void tell_form(const struct source *source, GatewayProtocol__FormMetadata *out)
{
    gateway_protocol__form_metadata__init(out);
    out->formid = source->made_form->family->id;
    out->version = source->made_form->version;
    out->formkey = source->made_form->keyed.key;
    out->resourcename = source->made_form->resource;
    out->tenantid = default_tenant;
}

union told {
    GatewayProtocol__ProcessMetadata process;
    GatewayProtocol__FormMetadata form;
};

static bool tell(const struct ask *ask, const struct deployment *d, int64_t key)
{
    bool good = false;
    GatewayProtocol__DeployResourceResponse response;
    GatewayProtocol__Deployment *each = mem_array(d->count + 1, sizeof *each);
    GatewayProtocol__Deployment **list =
        mem_array(d->count + 1, sizeof(GatewayProtocol__Deployment *));
    union told *told = mem_array(d->count + 1, sizeof *told);
    gateway_protocol__deploy_resource_response__init(&response);
    for (size_t i = 0; i < d->count && each && list && told; i++) {
        gateway_protocol__deployment__init(&each[i]);
        list[i] = &each[i];
        if (d->list[i].definition) {
            tell_process(&d->list[i], &told[i].process);
            each[i].metadata_case = GATEWAY_PROTOCOL__DEPLOYMENT__METADATA_PROCESS;
            each[i].process = &told[i].process;
        } else {
            tell_form(&d->list[i], &told[i].form);
            each[i].metadata_case = GATEWAY_PROTOCOL__DEPLOYMENT__METADATA_FORM;
            each[i].form = &told[i].form;
        }
    }
    response.key = key;
    response.tenantid = default_tenant;
    response.deployments = list;
    response.n_deployments = d->count;
    good =
        each && list && told ? reply_pack(ask->reply, &response.base) : reply_no_memory(ask->reply);
    mem_free(each);
    mem_free(list);
    mem_free(told);
    return good;
}

static weir_bytes bytes_of(ProtobufCBinaryData data)
{
    return (weir_bytes){(const char *)data.data, data.len};
}

static bool too_many(const struct ask *ask, size_t count)
{
    if (count == 0)
        reply_reject(ask->reply, REPLY_INVALID_ARGUMENT, "CREATE",
                     "Expected to deploy at least one resource, but none given");
    else if (count > RESOURCES_MAX)
        engine_is_full(ask, "resources of one deployment");
    return count == 0 || count > RESOURCES_MAX;
}

void broker_deploy_resource(const struct ask *ask, const void *request)
{
    const GatewayProtocol__DeployResourceRequest *r = request;
    struct deployment d = {.report = BUF_INIT(2 * BPMN_REPORT_MAX)};
    if (!tenant_is_good(ask, "DeployResource", r->tenantid) || too_many(ask, r->n_resources))
        return;
    for (size_t i = 0; i < r->n_resources; i++)
        read_resource(&d, r->resources[i]->name, bytes_of(r->resources[i]->content));
    int64_t key = engine_key(ask->engine);
    if (deploy(ask, &d))
        tell(ask, &d, key);
    deployment_free(&d);
}

static void tell_processes(const struct ask *ask, const struct deployment *d, int64_t key)
{
    GatewayProtocol__DeployProcessResponse response;
    GatewayProtocol__ProcessMetadata *each = mem_array(d->count + 1, sizeof *each);
    GatewayProtocol__ProcessMetadata **list =
        mem_array(d->count + 1, sizeof(GatewayProtocol__ProcessMetadata *));
    gateway_protocol__deploy_process_response__init(&response);
    for (size_t i = 0; i < d->count && each && list; i++) {
        list[i] = &each[i];
        if (d->list[i].definition)
            tell_process(&d->list[i], &each[i]);
    }
    response.key = key;
    response.processes = list;
    response.n_processes = d->count;
    if (each && list)
        reply_pack(ask->reply, &response.base);
    else
        reply_no_memory(ask->reply);
    mem_free(each);
    mem_free(list);
}

void broker_deploy_process(const struct ask *ask, const void *request)
{
    const GatewayProtocol__DeployProcessRequest *r = request;
    struct deployment d = {.report = BUF_INIT(2 * BPMN_REPORT_MAX)};
    if (too_many(ask, r->n_processes))
        return;
    for (size_t i = 0; i < r->n_processes; i++)
        read_bpmn(&d, r->processes[i]->name, bytes_of(r->processes[i]->definition));
    int64_t key = engine_key(ask->engine);
    if (deploy(ask, &d))
        tell_processes(ask, &d, key);
    deployment_free(&d);
}

void broker_delete_resource(const struct ask *ask, const void *request)
{
    const GatewayProtocol__DeleteResourceRequest *r = request;
    struct engine *engine = ask->engine;
    char key[32];
    GatewayProtocol__DeleteResourceResponse response;
    struct definition *definition = keyed_find(engine, r->resourcekey, A_DEFINITION);
    struct form *form = keyed_find(engine, r->resourcekey, A_FORM);
    if ((!definition || definition->deleted) && !form) {
        reply_reject(ask->reply, REPLY_NOT_FOUND, "DELETE",
                     "Expected to delete resource but no resource found with key `%lld`",
                     (long long)r->resourcekey);
        return;
    }
    if (definition && definition->instances) {
        reply_reject(ask->reply, REPLY_FAILED_PRECONDITION, "DELETE",
                     "Expected to delete resource with key `%lld` but there are still running "
                     "instances",
                     (long long)r->resourcekey);
        return;
    }
    if (form)
        form_free(engine, form);
    else
        definition_delete(engine, definition);
    (void)snprintf(key, sizeof key, "%lld", (long long)r->resourcekey);
    gateway_protocol__delete_resource_response__init(&response);
    response.resourcekey = key;
    reply_pack(ask->reply, &response.base);
}

weir_status engine_deploy_file(struct engine *engine, const char *name, weir_bytes content,
                               weir_error *err)
{
    struct rpc_reply reply = {.status = 0};
    struct ask ask = {.engine = engine, .reply = &reply};
    struct deployment d = {.report = BUF_INIT(2 * BPMN_REPORT_MAX)};
    read_resource(&d, name, content);
    (void)engine_key(engine); /* the deployment's own */
    bool good = deploy(&ask, &d);
    bool starved = reply.status == REPLY_RESOURCE_EXHAUSTED;
    deployment_free(&d);
    if (good)
        return error_ok(err);
    return starved ? error_no_memory(err)
                   : error_set(err, WEIR_INVALID, "deploying %s: %s", name, reply.text);
}
