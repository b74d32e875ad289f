/* Starting programs from a process with threads: posix_spawn(), which runs nothing of ours between
 * fork and exec. Their groups stand in a table without a lock, so that a signal handler can end
 * them. Nobody handles SIGCHLD: each process is waited for by its own id, and a pidfd tells when.
 * Until it is collected its id, which is its group's, cannot become another's. */
#include "cli/run_process.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define MOST_AT_ONCE 4096 /* more are not ended with weir: no command starts as many */

static _Atomic(int) groups[MOST_AT_ONCE];

static void replace_group(int old, int new)
{
    for (size_t i = 0; i < MOST_AT_ONCE; i++) {
        int expected = old;
        if (atomic_compare_exchange_strong(&groups[i], &expected, new))
            return;
    }
}

void run_end_all(void)
{
    int saved = errno;
    for (size_t i = 0; i < MOST_AT_ONCE; i++) {
        int group = atomic_load(&groups[i]);
        if (group)
            (void)kill(-group, SIGTERM);
    }
    errno = saved;
}

/* ---- starting -------------------------------------------------------------------------------- */

void run_close_fd(int *fd)
{
    if (*fd >= 0)
        (void)close(*fd);
    *fd = -1;
}

struct pipes {
    int theirs[3], ours[3];
};

static void close_all(int fds[3])
{
    for (int i = 0; i < 3; i++)
        run_close_fd(&fds[i]);
}

/* Our ends do not block; theirs do, as programs expect. */
static int open_pipes(struct pipes *pipes)
{
    *pipes = (struct pipes){{-1, -1, -1}, {-1, -1, -1}};
    for (int i = 0; i < 3; i++) {
        int both[2];
        if (pipe2(both, O_CLOEXEC) != 0)
            return errno;
        pipes->theirs[i] = both[i == 0 ? 0 : 1];
        pipes->ours[i] = both[i == 0 ? 1 : 0];
        if (fcntl(pipes->ours[i], F_SETFL, O_NONBLOCK) != 0)
            return errno;
    }
    return 0;
}

static int prepare_files(posix_spawn_file_actions_t *files, const struct pipes *pipes)
{
    int bad = 0;
    for (int i = 0; i < 3 && !bad; i++)
        bad = posix_spawn_file_actions_adddup2(files, pipes->theirs[i], i);
    return bad ? bad : posix_spawn_file_actions_addclosefrom_np(files, 3);
}

/* SIGHUP stays ignored where nohup(1) has it ignored, also for what we start. */
static int prepare_signals(posix_spawnattr_t *attributes)
{
    static const int ordinary[] = {SIGPIPE, SIGINT, SIGQUIT, SIGTERM, SIGCHLD, SIGUSR1, SIGUSR2};
    sigset_t defaults, mask;
    (void)sigemptyset(&mask);
    (void)sigemptyset(&defaults);
    for (size_t i = 0; i < sizeof ordinary / sizeof *ordinary; i++)
        (void)sigaddset(&defaults, ordinary[i]);
    (void)posix_spawnattr_setsigdefault(attributes, &defaults);
    (void)posix_spawnattr_setsigmask(attributes, &mask);
    (void)posix_spawnattr_setpgroup(attributes, 0);
    return posix_spawnattr_setflags(attributes, POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETSIGMASK |
                                                    POSIX_SPAWN_SETPGROUP);
}

static int spawn(pid_t *pid, const struct run_command *command, char *const *environment,
                 const struct pipes *pipes)
{
    posix_spawnattr_t attributes;
    posix_spawn_file_actions_t files;
    int bad = posix_spawnattr_init(&attributes);
    if (bad)
        return bad;
    bad = posix_spawn_file_actions_init(&files);
    if (!bad) {
        bad = prepare_signals(&attributes);
        if (!bad)
            bad = prepare_files(&files, pipes);
        if (!bad)
            bad = posix_spawn(pid, command->path, &files, &attributes, command->argv, environment);
        (void)posix_spawn_file_actions_destroy(&files);
    }
    (void)posix_spawnattr_destroy(&attributes);
    return bad;
}

static bool is_among(const char *entry, char *const *list)
{
    size_t name = strcspn(entry, "=") + 1;
    for (; list && *list; list++)
        if (strncmp(entry, *list, name) == 0)
            return true;
    return false;
}

/* `more`, and what it does not replace of the command's environment. */
static char **whole_environment(const struct run_command *command, char *const *more)
{
    size_t count = 0;
    for (; more && more[count]; count++)
        ;
    char **all = memory_or_exit(NULL, count + command->environment_count + 1, sizeof *all);
    for (size_t i = 0; i < count; i++)
        all[i] = more[i];
    for (size_t i = 0; i < command->environment_count; i++)
        if (!is_among(command->environment[i], more))
            all[count++] = command->environment[i];
    all[count] = NULL;
    return all;
}

int run_start(struct run_process *process, const struct run_command *command, char *const *more)
{
    struct pipes pipes;
    pid_t pid = 0;
    *process = RUN_NO_PROCESS;
    int bad = open_pipes(&pipes);
    if (!bad) {
        char **environment = whole_environment(command, more);
        bad = spawn(&pid, command, environment, &pipes);
        release_memory(environment);
    }
    close_all(pipes.theirs);
    if (bad) {
        close_all(pipes.ours);
        return bad;
    }
    replace_group(0, pid);
    *process = (struct run_process){.pid = pid,
                                    .ended = (int)syscall(SYS_pidfd_open, pid, 0),
                                    .in = pipes.ours[0],
                                    .out = pipes.ours[1],
                                    .errors = pipes.ours[2]};
    if (process->ended >= 0)
        (void)fcntl(process->ended, F_SETFD, FD_CLOEXEC);
    return 0;
}

/* ---- ending ---------------------------------------------------------------------------------- */

void run_signal(const struct run_process *process, int number)
{
    if (process->pid)
        (void)kill(-process->pid, number);
}

/* Looked at before it is collected: while the zombie is there, its group's number is its own. */
bool run_collect(struct run_process *process, bool all, int *how)
{
    siginfo_t info = {0};
    int got;
    do
        got = waitid(P_PID, (id_t)process->pid, &info, WEXITED | WNOHANG | WNOWAIT);
    while (got != 0 && errno == EINTR);
    if (got == 0 && info.si_pid == 0)
        return false;
    *how = info.si_code == CLD_EXITED ? info.si_status : -info.si_status;
    if (all)
        run_signal(process, SIGKILL);
    replace_group(process->pid, 0);
    (void)waitid(P_PID, (id_t)process->pid, &info, WEXITED | WNOHANG);
    process->pid = 0;
    run_close_fd(&process->ended);
    return true;
}

void run_close(struct run_process *process)
{
    run_close_fd(&process->in);
    run_close_fd(&process->out);
    run_close_fd(&process->errors);
    run_close_fd(&process->ended);
}
