#include "lib/torture.h"

#include "core/mem.h"
#include "lib/check.h"

#define TOO_MANY 100000

/* Returns whether the n-th allocation happened, and so failed. */
static int run(torture_scenario *scenario, void *user, long n)
{
    weir_error err = {0};
    long before = mem_live();
    mem_fail_at(n);
    weir_status status = scenario(user, &err);
    int failed = mem_failed();
    mem_fail_at(0);
    if (mem_live() != before)
        fail_msg("allocation %ld failed: %ld blocks are left", n, mem_live() - before);
    if (status != WEIR_OK && (status != WEIR_NO_MEMORY || !failed))
        fail_msg("allocation %ld failed: %s: %s", n, weir_status_name(status), err.message);
    if (err.status != status)
        fail_msg("allocation %ld failed: returned %s, but err says %s", n, weir_status_name(status),
                 weir_status_name(err.status));
    return failed;
}

long torture(torture_scenario *scenario, void *user)
{
    long n = 0;
    mem_count(1);
    run(scenario, user, 0); /* what is made once for the process is made here */
    while (run(scenario, user, ++n))
        assert_true(n < TOO_MANY);
    mem_count(0);
    assert_true(n > 1);
    return n - 1;
}
