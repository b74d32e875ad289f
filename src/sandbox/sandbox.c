/* Puts the services together. Whatever touches sockets is done on the I/O thread by loop_call(),
 * which also makes stopping and starting of services an order that threads agree on; journal and
 * faults have locks of their own. The settings never change once it has started. */
#include "sandbox/sandbox.h"

#include "core/buf.h"
#include "core/error.h"
#include "core/file.h"
#include "core/limits.h"
#include "core/mem.h"
#include "core/text.h"
#include "sandbox/sandbox_private.h"
#include "sandbox/token_salesforce.h"

#include <stdio.h>
#include <string.h>

/* Their place after --port-base; the control endpoint comes first. */
static const char *const names[SERVICES + 1] = {"oauth", "zeebe", "salesforce", NULL};

/* An order to the I/O thread. */
struct order {
    struct sandbox *sandbox;
    int service; /* SERVICES: all that are wanted, and the control endpoint */
    weir_status status;
    weir_error *err;
};

/* --- services, @thread io ------------------------------------------------------------------- */

static bool open_salesforce(struct sandbox *s, weir_error *err)
{
    return salesforce_is_open(s->common.salesforce) ||
           salesforce_open(s->common.salesforce, s->ports[SALESFORCE].number, err) == WEIR_OK;
}

static bool open_service(struct sandbox *s, int service, weir_error *err)
{
    struct gateway_options gateway = {.common = &s->common,
                                      .engine = s->engine,
                                      .port = s->ports[ZEEBE].number,
                                      .tls = s->gateway_tls,
                                      .require_token = s->require_token,
                                      .max_concurrent_streams = s->max_concurrent_streams};
    if (service == SALESFORCE)
        return open_salesforce(s, err);
    if (service == OAUTH && !s->oauth)
        s->oauth = oauth_open(&s->common, s->ports[OAUTH].number, s->web_tls, err);
    if (service == ZEEBE && !s->gateway)
        s->gateway = gateway_open(&gateway, err);
    return service == OAUTH ? s->oauth != NULL : s->gateway != NULL;
}

static void close_service(struct sandbox *s, int service)
{
    if (service == SALESFORCE) {
        salesforce_close(s->common.salesforce);
    } else if (service == OAUTH) {
        oauth_close(s->oauth);
        s->oauth = NULL;
    } else {
        gateway_close(s->gateway);
        s->gateway = NULL;
    }
}

static void do_open(void *user)
{
    struct order *order = user;
    struct sandbox *s = order->sandbox;
    bool all = order->service == SERVICES;
    if (all)
        s->control = control_open(&s->common, s->control_port.number, order->err);
    bool good = !all || s->control;
    for (int i = 0; good && i < SERVICES; i++) {
        if (all ? s->wanted[i] : i == order->service)
            good = open_service(s, i, order->err);
    }
    order->status = good ? WEIR_OK : order->err->status;
}

static void do_close(void *user)
{
    struct order *order = user;
    struct sandbox *s = order->sandbox;
    for (int i = 0; i < SERVICES; i++) {
        if (order->service == SERVICES || order->service == i)
            close_service(s, i);
    }
    if (order->service == SERVICES)
        control_close(s->control);
}

/* --- starting ------------------------------------------------------------------------------- */

static weir_status find_service(const struct sandbox *s, const char *name, int *out,
                                weir_error *err)
{
    for (int i = 0; i < SERVICES; i++) {
        if (strcmp(names[i], name) != 0)
            continue;
        *out = i;
        return s->wanted[i]
                   ? error_ok(err)
                   : error_set(err, WEIR_INVALID, "this sandbox was started without %s", name);
    }
    const char *near = text_nearest(name, names);
    return error_set(err, WEIR_INVALID,
                     "the sandbox has no service called \"%.64s\"%s%s; there are oauth, zeebe and "
                     "salesforce",
                     name, near ? "; did you mean " : "", near ? near : "");
}

/* "zeebe,oauth" */
static weir_status read_only(struct sandbox *s, const char *only, weir_error *err)
{
    char word[32];
    int service = 0;
    s->wanted[OAUTH] = s->wanted[ZEEBE] = s->wanted[SALESFORCE] = true;
    if (!only || !*only)
        return WEIR_OK;
    bool chosen[SERVICES] = {false};
    for (const char *at = only; at; at = strchr(at, ',') ? strchr(at, ',') + 1 : NULL) {
        size_t len = strcspn(at, ",");
        (void)snprintf(word, sizeof word, "%.*s", (int)(len < sizeof word ? len : sizeof word - 1),
                       at);
        if (find_service(s, word, &service, err) != WEIR_OK)
            return err->status;
        chosen[service] = true;
    }
    memcpy(s->wanted, chosen, sizeof chosen);
    return WEIR_OK;
}

static weir_status check(struct sandbox *s, const struct sandbox_options *o, weir_error *err)
{
    weir_status status = read_only(s, o->only, err);
    if (status != WEIR_OK)
        return status;
    if (o->client_ca_file && !o->tls)
        return error_set(err, WEIR_INVALID, "client certificates are of no use without TLS");
    if (o->require_token && !s->wanted[OAUTH])
        return error_set(err, WEIR_INVALID,
                         "a gateway that wants tokens is of no use without the service oauth");
    if (o->latency < 0)
        return error_set(err, WEIR_INVALID, "the latency is negative");
    if (o->port_base > UINT16_MAX - SERVICES)
        return error_set(err, WEIR_INVALID, "the ports from %u on do not suffice",
                         (unsigned)o->port_base);
    return WEIR_OK;
}

static weir_status hold_ports(struct sandbox *s, uint16_t base, weir_error *err)
{
    weir_status status = place_hold(&s->control_port, base, err);
    for (int i = 0; i < SERVICES && status == WEIR_OK; i++) {
        if (s->wanted[i])
            status = place_hold(&s->ports[i], base ? (uint16_t)(base + 1 + i) : (uint16_t)0, err);
    }
    return status;
}

static weir_status make_certificates(struct sandbox *s, const struct sandbox_options *o,
                                     weir_error *err)
{
    struct pki_cert cert = {0};
    struct pki_paths paths = {0};
    char *ca = NULL;
    struct pki_request request = {
        .name = "weir sandbox", .sans = "DNS:localhost,IP:127.0.0.1,IP:::1", .time = PKI_VALID};
    if (!o->tls)
        return WEIR_OK;
    s->pki = pki_new("weir sandbox CA", err);
    if (s->pki && pki_issue(s->pki, &request, &cert, err) == WEIR_OK &&
        pki_write(&cert, s->folder, "server", &paths, err) == WEIR_OK &&
        pki_write_ca(s->pki, s->folder, &ca, err) == WEIR_OK)
        s->web_tls = tls_server(paths.chain, paths.key, NULL, NULL, err);
    if (s->web_tls)
        s->gateway_tls = tls_server(paths.chain, paths.key, o->client_ca_file, "h2", err);
    if (ca)
        settings_add(&s->settings, "WEIR_CA_FILE", "%s", ca);
    mem_free(ca);
    pki_cert_clear(&cert);
    pki_paths_clear(&paths);
    return s->gateway_tls ? WEIR_OK : err->status;
}

/* What clients sign their assertions with. */
static weir_status write_key(struct sandbox *s, const char *name, const char *key, weir_error *err)
{
    struct buf path = BUF_INIT(4096);
    buf_addf(&path, "%s/%s", s->folder, name);
    weir_status status = buf_finish(&path, err);
    if (status == WEIR_OK)
        status = file_replace(path.data, key, strlen(key), 0600, "the clients' key", err);
    buf_free(&path);
    return status;
}

static weir_status make_tokens(struct sandbox *s, const struct sandbox_options *o, weir_error *err)
{
    char endpoint[80];
    if (!s->wanted[OAUTH] && !s->wanted[SALESFORCE])
        return WEIR_OK;
    (void)snprintf(endpoint, sizeof endpoint, "%s://127.0.0.1:%u" OAUTH_PATH,
                   o->tls ? "https" : "http", (unsigned)s->ports[OAUTH].number);
    struct tokens_options options = {
        .clock = s->common.clock, .endpoint = endpoint, .expires_in = o->token_expires_in};
    options.session_s = o->salesforce.token_life_s;
    s->common.tokens = tokens_new(&options, err);
    weir_status status = s->common.tokens ? WEIR_OK : err->status;
    if (status == WEIR_OK && s->wanted[OAUTH])
        status = write_key(s, KEY_FILE, tokens_private_key(s->common.tokens), err);
    if (status == WEIR_OK && s->wanted[SALESFORCE])
        status = write_key(s, SALESFORCE_KEY_FILE, salesforce_private_key, err);
    return status;
}

static weir_status make_salesforce(struct sandbox *s, const struct sandbox_options *o,
                                   weir_error *err)
{
    const struct sandbox_salesforce *given = &o->salesforce;
    struct salesforce_options options = {
        .common = &s->common,
        .tls = s->web_tls,
        .hold = given->hold,
        .session_timeout = given->session_timeout,
        .cookie_life = given->cookie_life,
        .batch_events = given->batch_events,
        .batch_bytes = given->batch_bytes,
        .sessions_max = given->sessions_max,
        .no_gzip = given->no_gzip,
        .channels = given->channels,
        .log = {.keep = given->keep, .keep_for = given->keep_for, .first_id = given->first_id}};
    if (!s->wanted[SALESFORCE])
        return WEIR_OK;
    s->common.salesforce = salesforce_new(&options, err);
    return s->common.salesforce ? WEIR_OK : err->status;
}

/* An incident is nobody's request, yet nothing else tells its key. */
static void on_incident(void *user, const struct engine_incident *incident)
{
    struct sandbox *s = user;
    char key[32], job[32], instance[32];
    (void)snprintf(key, sizeof key, "%lld", (long long)incident->key);
    (void)snprintf(job, sizeof job, "%lld", (long long)incident->job);
    (void)snprintf(instance, sizeof instance, "%lld", (long long)incident->instance);
    const struct journal_pair form[] = {{"incidentKey", key},
                                        {"jobKey", job},
                                        {"processInstanceKey", instance},
                                        {"bpmnProcessId", incident->process},
                                        {"elementId", incident->element},
                                        {"errorType", incident->type},
                                        {"errorMessage", incident->message}};
    struct journal_request entry = {.service = "zeebe-incidents",
                                    .what = "zeebe.incident",
                                    .form = form,
                                    .form_count = sizeof form / sizeof form[0]};
    journal_end(s->common.journal, journal_begin(s->common.journal, &entry), "raised");
}

static weir_status deploy_file(struct sandbox *s, const char *path, weir_error *err)
{
    char *text = NULL;
    size_t len = 0;
    if (file_read(path, LIMIT_GRPC_MESSAGE, "the file to deploy", &text, &len, err) != WEIR_OK)
        return err->status;
    const char *slash = strrchr(path, '/');
    weir_status status =
        engine_deploy_file(s->engine, slash ? slash + 1 : path, (weir_bytes){text, len}, err);
    mem_free(text);
    return status;
}

static weir_status make_engine(struct sandbox *s, const struct sandbox_options *o, weir_error *err)
{
    const struct engine_options options = {.incident = on_incident, .user = s};
    weir_status status = WEIR_OK;
    if (!s->wanted[ZEEBE])
        return o->deploy && *o->deploy
                   ? error_set(err, WEIR_INVALID,
                               "there is nothing to deploy to without the service zeebe")
                   : error_ok(err);
    s->engine = engine_new(&options);
    if (!s->engine)
        return error_no_memory(err);
    for (const char *const *file = o->deploy; file && *file && status == WEIR_OK; file++)
        status = deploy_file(s, *file, err);
    return status;
}

static weir_status make_parts(struct sandbox *s, const struct sandbox_options *o, weir_error *err)
{
    s->common.journal = journal_new(s->common.clock, o->log_file, err);
    if (!s->common.journal)
        return err->status;
    s->common.faults = faults_new();
    if (!s->common.faults)
        return error_no_memory(err);
    s->folder = place_folder(err);
    if (!s->folder)
        return err->status;
    weir_status status = hold_ports(s, o->port_base, err);
    if (status == WEIR_OK)
        status = make_certificates(s, o, err);
    if (status == WEIR_OK)
        status = make_tokens(s, o, err);
    if (status == WEIR_OK)
        status = make_salesforce(s, o, err);
    if (status == WEIR_OK)
        status = make_engine(s, o, err);
    return status;
}

static weir_status start(struct sandbox *s, const struct sandbox_options *o, weir_error *err)
{
    weir_status status = check(s, o, err);
    if (status == WEIR_OK)
        status = make_parts(s, o, err);
    if (status != WEIR_OK)
        return status;
    struct order order = {.sandbox = s, .service = SERVICES, .err = err};
    loop_call(s->common.loop, do_open, &order);
    return order.status == WEIR_OK ? sandbox_make_settings(s, o->tls, err) : order.status;
}

struct sandbox *sandbox_start(const struct sandbox_options *options, weir_error *err)
{
    static const struct sandbox_options defaults = {.only = NULL};
    const struct sandbox_options *o = options ? options : &defaults;
    weir_error own = {0};
    struct sandbox *s = mem_zalloc(sizeof *s);
    if (!s) {
        error_no_memory(err);
        return NULL;
    }
    s->control_port.fd = -1;
    for (int i = 0; i < SERVICES; i++)
        s->ports[i].fd = -1;
    s->require_token = o->require_token;
    s->max_concurrent_streams = o->max_concurrent_streams;
    s->common.latency = o->latency;
    s->common.loop = loop_acquire(&own);
    s->common.clock = s->common.loop ? loop_clock(s->common.loop) : NULL;
    if (s->common.loop && start(s, o, &own) == WEIR_OK)
        return s;
    sandbox_stop(s);
    if (err)
        error_copy(err, &own);
    return NULL;
}

void sandbox_stop(struct sandbox *sandbox)
{
    struct order order = {.sandbox = sandbox, .service = SERVICES};
    if (!sandbox)
        return;
    if (sandbox->common.loop) {
        loop_call(sandbox->common.loop, do_close, &order);
        loop_release(sandbox->common.loop);
    }
    engine_free(sandbox->engine);
    salesforce_free(sandbox->common.salesforce);
    tokens_free(sandbox->common.tokens);
    faults_free(sandbox->common.faults);
    journal_free(sandbox->common.journal);
    tls_free(sandbox->web_tls);
    tls_free(sandbox->gateway_tls);
    pki_free(sandbox->pki);
    place_let_go(&sandbox->control_port);
    for (int i = 0; i < SERVICES; i++)
        place_let_go(&sandbox->ports[i]);
    place_remove(sandbox->folder);
    mem_free(sandbox->folder);
    settings_clear(&sandbox->settings);
    mem_free(sandbox);
}

/* --- while it runs --------------------------------------------------------------------------- */

bool sandbox_setting(const struct sandbox *sandbox, size_t index, const char **name,
                     const char **value)
{
    if (index >= sandbox->settings.count)
        return false;
    *name = sandbox->settings.list[index].name;
    *value = sandbox->settings.list[index].value;
    return true;
}

const char *sandbox_value(const struct sandbox *sandbox, const char *name)
{
    return settings_get(&sandbox->settings, name);
}

weir_status sandbox_fault(struct sandbox *sandbox, const char *line, weir_error *err)
{
    return faults_add(sandbox->common.faults, line, err);
}

weir_status sandbox_script(struct sandbox *sandbox, const char *text, size_t len, const char *name,
                           weir_error *err)
{
    return faults_add_script(sandbox->common.faults, text, len, name, err);
}

char *sandbox_requests(struct sandbox *sandbox, weir_error *err)
{
    return journal_text(sandbox->common.journal, err);
}

uint64_t sandbox_count(struct sandbox *sandbox, const char *what)
{
    return journal_count(sandbox->common.journal, what);
}

weir_status sandbox_service_stop(struct sandbox *sandbox, const char *service, weir_error *err)
{
    struct order order = {.sandbox = sandbox};
    weir_error own = {0};
    weir_status status = find_service(sandbox, service, &order.service, &own);
    if (status == WEIR_OK)
        loop_call(sandbox->common.loop, do_close, &order);
    error_copy(err, &own);
    return status;
}

weir_status sandbox_service_start(struct sandbox *sandbox, const char *service, weir_error *err)
{
    weir_error own = {0};
    struct order order = {.sandbox = sandbox, .err = &own};
    weir_status status = find_service(sandbox, service, &order.service, &own);
    if (status == WEIR_OK) {
        loop_call(sandbox->common.loop, do_open, &order);
        status = order.status;
    }
    error_copy(err, &own);
    return status;
}
