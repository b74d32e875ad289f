#include "meter.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>

static int64_t nanoseconds(struct timeval t)
{
    return (int64_t)t.tv_sec * 1000000000 + (int64_t)t.tv_usec * 1000;
}

static int64_t cpu(void)
{
    struct rusage used;
    getrusage(RUSAGE_SELF, &used);
    return nanoseconds(used.ru_utime) + nanoseconds(used.ru_stime);
}

static void print_status(const char *name)
{
    char line[256];
    long value = 0;
    FILE *status = fopen("/proc/self/status", "r");
    while (status && fgets(line, sizeof line, status)) {
        if (strncmp(line, name, strlen(name)) == 0)
            (void)sscanf(line + strlen(name), ": %ld", &value);
    }
    if (status)
        fclose(status);
    printf(" %ld", value);
}

void meter_one(struct meter *m)
{
    m->done++;
    if (m->done == m->warm_up)
        m->since_ns = cpu();
    if (m->done != meter_wanted(m))
        return;
    printf("%" PRId64, (cpu() - m->since_ns) / m->count);
    print_status("VmRSS");
    print_status("Threads");
    printf("\n");
}

int64_t meter_wanted(const struct meter *m)
{
    return m->warm_up + m->count;
}
