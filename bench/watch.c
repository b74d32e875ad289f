/* Runs a program and says what it used. Usage: watch OUTPUT PROGRAM ARGUMENT...
 *
 * The program's standard output goes to the file OUTPUT. Prints
 *   FIRST_NS WALL_NS CPU_NS THREADS RSS_KB
 * from the fork to the first line of output, from the fork to the end, user and system time of all
 * of it, and the most threads and resident memory that were seen. Ends as the program did. */
#include <fcntl.h>
#include <inttypes.h>
#include <poll.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define LOOK_EVERY_MS 20

struct seen {
    int64_t first_ns;
    long threads, rss_kb;
};

static void fail(const char *what)
{
    perror(what);
    exit(125);
}

static int64_t now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

static int64_t nanoseconds(struct timeval t)
{
    return (int64_t)t.tv_sec * 1000000000 + (int64_t)t.tv_usec * 1000;
}

/* A line of /proc/PID/status as "Name: value ...". */
static void raise_to(const char *line, const char *name, long *most)
{
    size_t len = strlen(name);
    if (strncmp(line, name, len) != 0)
        return;
    long value = strtol(line + len, NULL, 10);
    if (value > *most)
        *most = value;
}

static void look(pid_t child, struct seen *seen)
{
    char path[64];
    char line[256];
    (void)snprintf(path, sizeof path, "/proc/%ld/status", (long)child);
    FILE *status = fopen(path, "r");
    while (status && fgets(line, sizeof line, status)) {
        raise_to(line, "Threads:", &seen->threads);
        raise_to(line, "VmRSS:", &seen->rss_kb);
    }
    if (status)
        fclose(status);
}

/* Copies until the program's output ends. */
static void copy(int from, int to, pid_t child, struct seen *seen)
{
    char bytes[4096];
    ssize_t len = 1;
    while (len > 0) {
        struct pollfd output = {.fd = from, .events = POLLIN};
        if (poll(&output, 1, LOOK_EVERY_MS) == 0) {
            look(child, seen);
            continue;
        }
        len = read(from, bytes, sizeof bytes);
        if (len > 0 && !seen->first_ns)
            seen->first_ns = now();
        if (len > 0 && write(to, bytes, (size_t)len) != len)
            fail("write");
    }
}

static pid_t start(char **command, int output[2])
{
    pid_t child = fork();
    if (child < 0)
        fail("fork");
    if (child > 0) {
        close(output[1]);
        return child;
    }
    dup2(output[1], STDOUT_FILENO);
    execvp(command[0], command);
    fail(command[0]);
    return 0;
}

int main(int argc, char **argv)
{
    int output[2];
    int status;
    struct rusage used;
    struct seen seen = {0};
    if (argc < 3)
        return 125;
    int file = open(argv[1], O_CREAT | O_TRUNC | O_WRONLY | O_CLOEXEC, 0600);
    if (file < 0 || pipe2(output, O_CLOEXEC))
        fail(argv[1]);
    int64_t began = now();
    pid_t child = start(argv + 2, output);
    copy(output[0], file, child, &seen);
    while (wait4(child, &status, WNOHANG, &used) == 0) { /* it has closed its output */
        (void)poll(NULL, 0, LOOK_EVERY_MS);
        look(child, &seen);
    }
    if (used.ru_maxrss > seen.rss_kb)
        seen.rss_kb = used.ru_maxrss;
    int64_t first = seen.first_ns ? seen.first_ns - began : 0;
    printf("%" PRId64 " %" PRId64 " %" PRId64 " %ld %ld\n", first, now() - began,
           nanoseconds(used.ru_utime) + nanoseconds(used.ru_stime), seen.threads, seen.rss_kb);
    return WIFEXITED(status) ? WEXITSTATUS(status) : 126;
}
