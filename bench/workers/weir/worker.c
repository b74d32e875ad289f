/* weir's worker: completes every job. Usage: worker MODE ADDRESS ACTIVE THREADS
 *
 * THREADS run the handler; 0: jobs are taken with weir_worker_next() on the main thread. MODE
 * "stream" opens a job stream beside polling. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <weir/weir.h>

static void need(bool ok, const char *what)
{
    if (ok)
        return;
    fprintf(stderr, "weir: %s\n", what);
    exit(1);
}

static void complete(weir_job *job, void *user)
{
    (void)user;
    need(weir_job_complete(job, NULL) == WEIR_OK, "not completed");
}

static weir_status take_all(weir_worker *worker, weir_error *err)
{
    weir_job *job = NULL;
    weir_status status;
    while ((status = weir_worker_next(worker, &job, WEIR_FOREVER, err)) == WEIR_OK) {
        complete(job, NULL);
        weir_job_free(job);
    }
    return status;
}

int main(int argc, char **argv)
{
    weir_error err = {0};
    need(argc == 5, "usage: worker MODE ADDRESS ACTIVE THREADS");
    int threads = (int)strtol(argv[4], NULL, 10);
    weir_channel *channel = weir_channel_insecure(WEIR_CHANNEL(.grpc_address = argv[2]), &err);
    weir_worker *worker = weir_worker_open(
        channel,
        WEIR_WORKER(.type = "bench", .handler = threads ? complete : NULL, .threads = threads,
                    .max_active = (int)strtol(argv[3], NULL, 10),
                    .poll_only = strcmp(argv[1], "poll") == 0),
        &err);
    need(worker, err.message);
    weir_status status =
        threads ? weir_worker_wait(worker, WEIR_FOREVER, &err) : take_all(worker, &err);
    need(status == WEIR_OK || status == WEIR_STOPPED, err.message);
    weir_worker_close(worker);
    weir_channel_close(channel);
    return 0;
}
