/* The allocator's door. The counter behind mem_fail_at() is atomic: handlers and the I/O thread
 * allocate side by side, and exactly one of them gets the failure. */
#include "core/mem.h"

#include <stdatomic.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

static atomic_long until_failure; /* 0: off */
static atomic_int failed;
static atomic_int counting;
static atomic_long live;

static int must_fail(void)
{
    if (atomic_load_explicit(&until_failure, memory_order_relaxed) <= 0)
        return 0;
    if (atomic_fetch_sub(&until_failure, 1) != 1)
        return 0;
    atomic_store(&failed, 1);
    return 1;
}

void mem_fail_at(long n)
{
    atomic_store(&failed, 0);
    atomic_store(&until_failure, n);
}

int mem_failed(void)
{
    return atomic_load(&failed);
}

void mem_count(int on)
{
    atomic_store(&live, 0);
    atomic_store(&counting, on);
}

long mem_live(void)
{
    return atomic_load(&live);
}

static void tally(int change)
{
    if (atomic_load_explicit(&counting, memory_order_relaxed))
        atomic_fetch_add(&live, change);
}

void *mem_zalloc(size_t size)
{
    void *memory = must_fail() ? NULL : calloc(1, size ? size : 1);
    tally(memory ? 1 : 0);
    return memory;
}

void *mem_array(size_t count, size_t size)
{
    if (size && count > SIZE_MAX / size)
        return NULL;
    return mem_zalloc(count * size);
}

void *mem_realloc(void *memory, size_t size)
{
    void *grown = must_fail() ? NULL : realloc(memory, size ? size : 1);
    tally(grown && !memory ? 1 : 0);
    return grown;
}

void *mem_dup(const void *data, size_t len)
{
    char *copy = len < SIZE_MAX ? mem_zalloc(len + 1) : NULL;
    if (copy && len)
        memcpy(copy, data, len);
    return copy;
}

char *mem_strdup(const char *text)
{
    return text ? mem_dup(text, strlen(text)) : NULL;
}

void mem_free(void *memory)
{
    tally(memory ? -1 : 0);
    free(memory);
}
