/* Two channels, one thread, one poll(): each order that Salesforce tells of becomes an instance of
 * the process "order" in Zeebe, whose jobs of type "pack" are done here, too. */
#include <poll.h>
#include <stdio.h>
#include <weir/weir.h>

/* All events that are there. An order is acknowledged when its process has begun. */
static bool start(weir_salesforce *sf, weir_zeebe *zeebe, weir_error *err)
{
    weir_event *event;
    weir_status status;
    while ((status = weir_salesforce_next(sf, &event, WEIR_NO_WAIT, err)) == WEIR_OK) {
        char *order = weir_json_text(weir_json_at(weir_event_json(event), "/payload"));
        weir_instance *instance = weir_zeebe_create_instance(
            zeebe, WEIR_CREATE_INSTANCE(.process_id = "order", .variables = order),
            WEIR_DEFAULT_TIMEOUT, err);
        if (instance) {
            printf("began order %s\n", weir_event_attr(event, "replayid"));
            weir_salesforce_ack(sf, event, err);
        }
        fflush(stdout);
        weir_instance_free(instance);
        weir_free(order);
        weir_event_free(event);
        if (err->status != WEIR_OK)
            return false;
    }
    return status == WEIR_NOTHING || weir_error_retryable(err);
}

static bool pack(weir_worker *worker, weir_error *err)
{
    weir_job *job;
    weir_status status;
    while ((status = weir_worker_next(worker, &job, WEIR_NO_WAIT, err)) == WEIR_OK) {
        printf("packed %s\n", weir_json_str(weir_job_vars(job), "/orderId", "?"));
        fflush(stdout);
        weir_job_complete(job, "{\"packed\": true}");
        weir_job_free(job);
    }
    return status == WEIR_NOTHING;
}

int main(void)
{
    weir_error err = {0};
    weir_channel *channel = weir_channel_from_environment(&err);
    weir_zeebe *zeebe = weir_zeebe_new(channel, &err);
    weir_worker *worker = weir_worker_open(channel, WEIR_WORKER(.type = "pack"), &err);
    weir_salesforce *sf =
        weir_salesforce_open(WEIR_SALESFORCE(.channel = "/event/Order__e",
                                             .replay_file = "orders.db", .manual_ack = true),
                             &err);
    struct pollfd fds[] = {{weir_worker_fd(worker), POLLIN, 0},
                           {weir_salesforce_fd(sf), POLLIN, 0}};
    bool more = err.status == WEIR_OK;
    while (more && poll(fds, 2, -1) > 0) {
        if (fds[0].revents)
            more = pack(worker, &err);
        if (more && fds[1].revents)
            more = start(sf, zeebe, &err);
    }
    weir_salesforce_close(sf);
    weir_worker_close(worker);
    weir_zeebe_free(zeebe);
    weir_channel_close(channel);
    return weir_error_exit(&err, "orders");
}
