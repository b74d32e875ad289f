/* Standard output, buffered by stdio and checked. */
#include "cli/out.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cli/fail.h"
#include "cli/run_process.h"

/* Opened the wrong way round, so that using a closed descriptor still fails with EBADF. */
void out_setup(void)
{
    for (int fd = 0; fd <= 2; fd++)
        if (fcntl(fd, F_GETFD) == -1 && errno == EBADF)
            (void)open("/dev/null", fd == 0 ? O_WRONLY : fd == 1 ? O_RDONLY : O_WRONLY);
    (void)signal(SIGPIPE, SIG_IGN);
}

static void give_up(int errnum)
{
    run_end_all();
    if (errnum == EPIPE || errnum == EBADF)
        _Exit(EXIT_CLOSED_STDOUT);
    weir_error err;
    (void)fail_set_system(&err, errnum, "cannot write to standard output");
    (void)fail_with(&err);
    _Exit(EXIT_FILE);
}

void out_add(const char *text)
{
    if (fputs(text, stdout) == EOF)
        give_up(errno);
}

void out_addf(const char *fmt, ...)
{
    va_list values;
    va_start(values, fmt);
    int len = vfprintf(stdout, fmt, values);
    int errnum = errno;
    va_end(values);
    if (len < 0)
        give_up(errnum);
}

void out_flush(void)
{
    if (fflush(stdout) != 0 || ferror(stdout))
        give_up(errno);
}

void out_mend(void)
{
    struct stat file;
    char last = '\n';
    if (fstat(STDOUT_FILENO, &file) != 0 || !S_ISREG(file.st_mode) || file.st_size == 0)
        return;
    off_t at =
        fcntl(STDOUT_FILENO, F_GETFL) & O_APPEND ? file.st_size : lseek(STDOUT_FILENO, 0, SEEK_CUR);
    int fd = at == file.st_size ? open("/proc/self/fd/1", O_RDONLY | O_CLOEXEC) : -1;
    if (fd < 0)
        return;
    if (pread(fd, &last, 1, file.st_size - 1) == 1 && last != '\n')
        out_add("\n");
    (void)close(fd);
    out_flush();
}
