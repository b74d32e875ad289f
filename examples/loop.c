/* One thread, one poll(), no callbacks: packs orders (jobs of type "pack") and tells the process of
 * each order that was shipped, whose number is a line of the standard input. Ends with its end. */
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include <weir/weir.h>

/* All jobs that are there. False: there will be no more. */
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

/* The lines that can be read now. False: there will be no more. */
static bool ship(weir_zeebe *zeebe, weir_error *err)
{
    char lines[4096];
    ssize_t len = read(0, lines, sizeof lines - 1);
    if (len <= 0)
        return false;
    lines[len] = '\0';
    for (char *order = lines; *order && err->status == WEIR_OK;) {
        char *end = order + strcspn(order, "\n");
        char *next = *end ? end + 1 : end;
        *end = '\0';
        weir_zeebe_publish(zeebe, WEIR_PUBLISH(.name = "shipped", .correlation_key = order), NULL,
                           WEIR_DEFAULT_TIMEOUT, err);
        order = next;
    }
    return err->status == WEIR_OK;
}

int main(void)
{
    weir_error err = {0};
    weir_channel *channel = weir_channel_from_environment(&err);
    weir_zeebe *zeebe = weir_zeebe_new(channel, &err);
    weir_worker *worker = weir_worker_open(channel, WEIR_WORKER(.type = "pack"), &err);
    struct pollfd fds[] = {{weir_worker_fd(worker), POLLIN, 0}, {0, POLLIN, 0}};
    bool more = err.status == WEIR_OK;
    while (more && poll(fds, 2, -1) > 0) {
        if (fds[0].revents)
            more = pack(worker, &err);
        if (more && fds[1].revents)
            more = ship(zeebe, &err);
    }
    weir_worker_close(worker); /* sends what is not sent yet */
    weir_zeebe_free(zeebe);
    weir_channel_close(channel);
    return weir_error_exit(&err, "loop");
}
