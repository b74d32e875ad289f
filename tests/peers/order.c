/* The order process (order/order.bpmn) by workers in C, each with another face: "order-reserve" by
 * a handler on a library thread, "order-charge" by weir_worker_next() on a thread of ours,
 * "order-ship" by a descriptor in a loop. Public API only. Usage: peer_order ADDRESS. Runs until
 * SIGTERM; prints what was settled, and ends with the status of the first worker that failed.
 */
#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>

#include <weir/channel.h>
#include <weir/error.h>
#include <weir/worker.h>

static weir_worker *reserve, *charge, *ship;

static void on_signal(int number)
{
    (void)number;
    int saved = errno;
    weir_worker_stop(reserve);
    weir_worker_stop(charge);
    weir_worker_stop(ship);
    errno = saved;
}

static void reserve_items(weir_job *job, void *user)
{
    (void)user;
    int32_t retries = weir_job_retries(job);
    if (retries == 2)
        weir_job_fail(job, WEIR_RETRIES_LESS, 100, "the shelf is locked");
    else
        weir_job_completef(job, "{s:I, s:i}", "reserved",
                           (long long)weir_json_int(weir_job_vars(job), "/items", 0), "retries",
                           (int)retries);
}

static void charge_card(weir_job *job)
{
    if (strcmp(weir_json_str(weir_job_vars(job), "/card", ""), "bad") == 0)
        weir_job_throw_with(job, WEIR_BPMN_ERROR(.code = "DECLINED", .message = "no money",
                                                 .variables = "{\"why\": \"bad\"}"));
    else
        weir_job_completef(job, "{s:s}", "charged",
                           weir_json_str(weir_job_headers(job), "/currency", ""));
}

static void *charger(void *user)
{
    weir_error *err = user;
    weir_job *job = NULL;
    while (weir_worker_next(charge, &job, WEIR_FOREVER, err) == WEIR_OK) {
        charge_card(job);
        weir_job_free(job);
    }
    return NULL;
}

/* An event loop of one descriptor. */
static void shipper(weir_error *err)
{
    struct pollfd readable = {.fd = weir_worker_fd(ship), .events = POLLIN};
    weir_job *job = NULL;
    while (err->status == WEIR_OK || err->status == WEIR_NOTHING) {
        if (weir_worker_next(ship, &job, WEIR_NO_WAIT, err) == WEIR_NOTHING)
            poll(&readable, 1, -1);
        if (err->status != WEIR_OK || !job)
            continue;
        weir_job_complete(
            job, "{\"parcel\": {\"number\": 9007199254740993, \"to\": \"Z\xc3\xbcrich\"}}");
        weir_job_free(job);
        job = NULL;
    }
}

static void print_counters(const char *type, weir_worker *worker)
{
    weir_worker_counters n = {.struct_size = sizeof n};
    weir_worker_counters_read(worker, &n, NULL);
    printf("%s: completed %llu, failed %llu, thrown %llu, streamed %llu, polled %llu\n", type,
           (unsigned long long)n.completed, (unsigned long long)n.failed,
           (unsigned long long)n.thrown, (unsigned long long)n.streamed,
           (unsigned long long)n.polled);
}

static void run(weir_error *err)
{
    weir_error charging = {0}, shipping = {0};
    pthread_t thread;
    if (pthread_create(&thread, NULL, charger, &charging) != 0)
        return;
    shipper(&shipping);
    pthread_join(thread, NULL);
    weir_worker_wait(reserve, WEIR_FOREVER, err);
    if (err->status == WEIR_OK && charging.status != WEIR_STOPPED)
        *err = charging;
    if (err->status == WEIR_OK && shipping.status != WEIR_STOPPED)
        *err = shipping;
}

int main(int argc, char **argv)
{
    weir_error err = {0};
    if (argc < 2)
        return 64;
    weir_channel *channel = weir_channel_insecure(WEIR_CHANNEL(.grpc_address = argv[1]), &err);
    reserve = weir_worker_open(
        channel, WEIR_WORKER(.type = "order-reserve", .handler = reserve_items, .threads = 2),
        &err);
    charge = weir_worker_open(channel, WEIR_WORKER(.type = "order-charge"), &err);
    ship = weir_worker_open(channel, WEIR_WORKER(.type = "order-ship"), &err);
    signal(SIGTERM, on_signal);
    if (err.status == WEIR_OK)
        run(&err);
    print_counters("order-reserve", reserve);
    print_counters("order-charge", charge);
    print_counters("order-ship", ship);
    weir_worker_close(ship);
    weir_worker_close(charge);
    weir_worker_close(reserve);
    weir_channel_close(channel);
    return weir_error_exit(&err, "order");
}
