/* All signals of interest are blocked and taken by sigwaitinfo(), so there is no handler and no
 * race between a signal and the child's end. What a terminal sends goes to the whole process group,
 * the child included: that is not passed on, or it would come twice. */
#include "cli/sandbox_child.h"

#include <errno.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>

extern char **environ;

static const int passed_on[] = {SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGUSR1, SIGUSR2};

#define PASSED_ON (sizeof passed_on / sizeof passed_on[0])

static sigset_t before;

static void what_we_wait_for(sigset_t *set)
{
    (void)sigemptyset(set);
    for (size_t i = 0; i < PASSED_ON; i++)
        (void)sigaddset(set, passed_on[i]);
    (void)sigaddset(set, SIGCHLD);
}

void child_prepare(void)
{
    sigset_t set;
    what_we_wait_for(&set);
    (void)sigprocmask(SIG_BLOCK, &set, &before);
}

static int start(pid_t *pid, char **argv)
{
    sigset_t ordinary;
    posix_spawnattr_t attributes;
    posix_spawn_file_actions_t files;
    what_we_wait_for(&ordinary);
    (void)sigaddset(&ordinary, SIGPIPE);
    int bad = posix_spawnattr_init(&attributes);
    if (bad)
        return bad;
    bad = posix_spawn_file_actions_init(&files);
    if (!bad) {
        (void)posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETSIGMASK);
        (void)posix_spawnattr_setsigdefault(&attributes, &ordinary);
        (void)posix_spawnattr_setsigmask(&attributes, &before);
        bad = posix_spawn_file_actions_addclosefrom_np(&files, 3);
        if (!bad)
            bad = posix_spawnp(pid, argv[0], &files, &attributes, argv, environ);
        (void)posix_spawn_file_actions_destroy(&files);
    }
    (void)posix_spawnattr_destroy(&attributes);
    return bad;
}

static bool has_ended(pid_t pid, int *status)
{
    int how = 0;
    if (waitpid(pid, &how, WNOHANG) != pid)
        return false;
    *status = WIFSIGNALED(how) ? 128 + WTERMSIG(how) : WEXITSTATUS(how);
    return true;
}

bool child_run(char **argv, int *status)
{
    pid_t pid = 0;
    sigset_t set;
    siginfo_t info = {0};
    int bad = start(&pid, argv);
    if (bad) {
        errno = bad;
        *status = bad == ENOENT ? 127 : 126;
        return false;
    }
    what_we_wait_for(&set);
    while (!has_ended(pid, status)) {
        int number = sigwaitinfo(&set, &info);
        if (number > 0 && number != SIGCHLD && info.si_code != SI_KERNEL)
            (void)kill(pid, number);
    }
    return true;
}
