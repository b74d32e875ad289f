/* Signals. The handlers call only what signal-safety(7) allows. Both kinds are installed even where
 * a shell had SIGINT ignored for a background job: a script must be able to stop what it started.
 */
#include "cli/signals.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stddef.h>
#include <stdlib.h>
#include <unistd.h>

#include "cli/run_process.h"

static int wake[2] = {-1, -1};
static volatile sig_atomic_t asked;

static void end_at_once(int number)
{
    _Exit(128 + number);
}

static void wake_up(int number)
{
    int saved = errno;
    if (asked) {
        run_end_all();
        _Exit(128 + number);
    }
    asked = 1;
    /* The pipe is empty and takes a byte. */
    ssize_t written = write(wake[1], "", 1);
    (void)written;
    errno = saved;
}

static void install(void (*handler)(int))
{
    struct sigaction action = {.sa_handler = handler, .sa_flags = SA_RESTART};
    (void)sigemptyset(&action.sa_mask);
    (void)sigaction(SIGINT, &action, NULL);
    (void)sigaction(SIGTERM, &action, NULL);
}

void signals_end_at_once(void)
{
    install(end_at_once);
}

int signals_watch(void)
{
    if (pipe2(wake, O_CLOEXEC | O_NONBLOCK) != 0)
        return -1;
    install(wake_up);
    struct sigaction hangup;
    if (sigaction(SIGHUP, NULL, &hangup) == 0 && hangup.sa_handler == SIG_DFL) {
        hangup.sa_handler = wake_up; /* the terminal is gone; nohup(1) has it ignored */
        (void)sigaction(SIGHUP, &hangup, NULL);
    }
    return wake[0];
}
