/* Finding what is to be run before anything else happens: that a program is not there is said at
 * the start, not with the first job. The shell's own search is done once, so that a process is
 * started without it. */
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cli/fail.h"
#include "cli/run_process.h"
#include "cli/setting.h"

extern char **environ;

#define SHELL "/bin/sh"

static char *copy(const char *text)
{
    return copy_or_exit(text, strlen(text));
}

/* 0, or errno: why it cannot be run. */
static int can_run(const char *path)
{
    struct stat found;
    if (stat(path, &found) != 0)
        return errno;
    if (!S_ISREG(found.st_mode))
        return EACCES;
    return access(path, X_OK) == 0 ? 0 : errno;
}

/* As execvp(3): in the folders of PATH; one that must not be run does not end the search. */
static char *search(const char *name, int *why)
{
    const char *folders = getenv("PATH");
    struct str path = {0};
    *why = ENOENT;
    for (const char *at = folders ? folders : "/bin:/usr/bin"; at;) {
        size_t len = strcspn(at, ":");
        str_clear(&path);
        str_add_bytes(&path, at, len);
        str_addf(&path, "%s%s", len ? "/" : "", name);
        int bad = can_run(path.data);
        if (!bad)
            return path.data;
        *why = bad == EACCES ? EACCES : *why;
        at = at[len] ? at + len + 1 : NULL;
    }
    str_free(&path);
    return NULL;
}

static char *find_program(const char *name, weir_error *err)
{
    int why = 0;
    char *path = NULL;
    if (strchr(name, '/') || !*name)
        why = can_run(name);
    else
        path = search(name, &why);
    if (why && !path)
        (void)fail_set_system(err, why, "cannot start \"%.200s\"", name);
    else if (!path)
        path = copy(name);
    return path;
}

static bool is_inherited(const char *entry, const char *secret)
{
    size_t len = strcspn(entry, "=");
    char *name = copy_or_exit(entry, len);
    bool hidden = setting_is_secret(name, secret);
    release_memory(name);
    return !hidden;
}

static void find_environment(struct run_command *out, const char *secret)
{
    size_t count = 0;
    for (size_t i = 0; environ && environ[i]; i++)
        count++;
    out->environment = memory_or_exit(NULL, count + 1, sizeof *out->environment);
    for (size_t i = 0; i < count; i++)
        if (is_inherited(environ[i], secret))
            out->environment[out->environment_count++] = environ[i];
    out->environment[out->environment_count] = NULL;
}

static char **shell_argv(const char *command)
{
    char **argv = memory_or_exit(NULL, 4, sizeof *argv);
    argv[0] = copy(SHELL);
    argv[1] = copy("-c");
    argv[2] = copy(command);
    argv[3] = NULL;
    return argv;
}

weir_status run_find(struct run_command *out, char **argv, const char *shell, const char *secret,
                     weir_error *err)
{
    *out = (struct run_command){.argv = argv};
    /* A parent that had it ignored would leave us without our children's ends. */
    (void)signal(SIGCHLD, SIG_DFL);
    out->path = find_program(shell ? SHELL : argv[0], err);
    if (!out->path)
        return err->status;
    if (shell)
        out->argv = out->shell = shell_argv(shell);
    find_environment(out, secret);
    return WEIR_OK;
}

void run_command_free(struct run_command *command)
{
    for (size_t i = 0; command->shell && command->shell[i]; i++)
        release_memory(command->shell[i]);
    release_memory(command->shell);
    release_memory(command->path);
    release_memory(command->environment);
    *command = (struct run_command){0};
}
