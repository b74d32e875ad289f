/* Many calls at once in a program's own poll() loop: no callback, no thread of ours. */
#include <poll.h>
#include <stdio.h>
#include <weir/weir.h>

#define CALLS 8

/* Takes what is there; the call has ended when this returns anything but WEIR_NOTHING. */
static weir_status take(weir_call *call, int number, weir_error *err)
{
    char *message = NULL;
    weir_status status;
    while ((status = weir_call_next(call, &message, WEIR_NO_WAIT, err)) == WEIR_OK) {
        printf("call %d: answered\n", number);
        weir_free(message);
    }
    return status;
}

int main(void)
{
    weir_error err = {0}, first = {0};
    weir_call *calls[CALLS];
    struct pollfd watched[CALLS];
    int open = 0;
    weir_zeebe *zeebe = weir_zeebe_new(NULL, &first);
    for (int i = 0; i < CALLS; i++) {
        calls[i] =
            weir_zeebe_call_start(zeebe, "Topology", NULL, WEIR_CALL(.timeout = 5000), &first);
        watched[i] = (struct pollfd){weir_call_fd(calls[i]), POLLIN, 0};
        open += calls[i] != NULL;
    }
    while (open > 0 && poll(watched, CALLS, -1) > 0) {
        for (int i = 0; i < CALLS; i++) {
            if (!watched[i].revents || take(calls[i], i, &err) == WEIR_NOTHING)
                continue;
            if (err.status != WEIR_OK && first.status == WEIR_OK)
                first = err;
            watched[i].fd = -1; /* poll() passes it over */
            open--;
        }
    }
    for (int i = 0; i < CALLS; i++)
        weir_call_free(calls[i]);
    weir_zeebe_free(zeebe);
    return weir_error_exit(&first, "pending");
}
