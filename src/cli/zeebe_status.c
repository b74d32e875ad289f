/* `weir zeebe status` and `weir zeebe health`. */
#include "cli/commands.h"
#include "cli/fail.h"
#include "cli/out.h"
#include "cli/session.h"
#include "cli/topology.h"
#include "cli/zeebe_open.h"

static void status_as_text(weir_zeebe *zeebe, const struct args *args, weir_error *err)
{
    weir_topology *topology = weir_zeebe_topology(zeebe, session_timeout(args), err);
    struct str text = {0};
    if (topology)
        cli_topology_text(&text, topology);
    out_add(str_text(&text));
    str_free(&text);
    weir_topology_free(topology);
}

static void status_as_json(weir_zeebe *zeebe, const struct args *args, weir_error *err)
{
    char *answer =
        weir_zeebe_call(zeebe, "Topology", NULL, WEIR_CALL(.timeout = session_timeout(args)), err);
    if (answer)
        out_addf("%s\n", answer);
    weir_free(answer);
}

int zeebe_status_run(const struct args *args)
{
    weir_error err = {0};
    weir_zeebe *zeebe = cli_zeebe_open_from(args, &err);
    if (zeebe && session_json(args))
        status_as_json(zeebe, args, &err);
    else if (zeebe)
        status_as_text(zeebe, args, &err);
    weir_zeebe_free(zeebe);
    return err.status == WEIR_OK ? 0 : fail_with(&err);
}

static const char *serving_name(weir_health health)
{
    static const char *const names[] = {"UNKNOWN", "SERVING", "NOT_SERVING", "SERVICE_UNKNOWN"};
    return health <= WEIR_HEALTH_SERVICE_UNKNOWN ? names[health] : "UNKNOWN";
}

static void show_health(const struct args *args, weir_health health, weir_error *err)
{
    const char *name = serving_name(health);
    out_addf(session_json(args) ? "{\"status\":\"%s\"}\n" : "%s\n", name);
    out_flush();
    if (health != WEIR_HEALTH_SERVING) {
        (void)fail_set(err, WEIR_UNREACHABLE, "the gateway answers, but its health is %s", name);
        err->retry_in_ms = 0;
    }
}

int zeebe_health_run(const struct args *args)
{
    weir_error err = {0};
    weir_health health = WEIR_HEALTH_UNKNOWN;
    weir_zeebe *zeebe = cli_zeebe_open_from(args, &err);
    if (zeebe && weir_zeebe_health(zeebe, args_text(args, "service"), &health,
                                   session_timeout(args), &err) == WEIR_OK)
        show_health(args, health, &err);
    weir_zeebe_free(zeebe);
    if (err.status == WEIR_OK)
        return 0;
    int status = fail_with(&err);
    /* "anything else" is 69: also a gateway without this service. */
    bool answered = err.status == WEIR_NOT_FOUND || err.status == WEIR_UNSUPPORTED;
    return answered && zeebe ? EXIT_UNAVAILABLE : status;
}
