/* Charges cards: completes the jobs of one type until it is interrupted. Then what has been begun
 * is finished and the rest handed back. */
#include <signal.h>
#include <weir/weir.h>

static weir_worker *worker;

static void on_signal(int number)
{
    (void)number;
    weir_worker_stop(worker);
}

static void charge(weir_job *job, void *user)
{
    (void)user;
    double total = weir_json_num(weir_job_vars(job), "/order/total", 0);
    if (total <= 0)
        weir_job_throw(job, "NO_TOTAL", "the order has no total");
    else
        weir_job_completef(job, "{s:b, s:f}", "paid", 1, "charged", total);
}

int main(void)
{
    weir_error err = {0};
    weir_channel *channel = weir_channel_from_environment(&err);
    worker = weir_worker_open(channel, WEIR_WORKER(.type = "charge-card", .handler = charge), &err);
    signal(SIGINT, on_signal);
    signal(SIGTERM, on_signal);
    weir_worker_wait(worker, WEIR_FOREVER, &err);
    weir_worker_close(worker);
    weir_channel_close(channel);
    return weir_error_exit(&err, "worker");
}
