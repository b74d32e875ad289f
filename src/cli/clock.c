/* Time and chance. The program uses the public API only, so the library's clock is not its own. */
#include "cli/clock.h"

#include <sys/random.h>
#include <time.h>

weir_ms clock_now(void)
{
    struct timespec now = {0};
    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (weir_ms)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

weir_ms clock_chance(weir_ms most)
{
    uint32_t chance = 0;
    if (most < 1 || getrandom(&chance, sizeof chance, 0) != (ssize_t)sizeof chance)
        return 0;
    return (weir_ms)(((uint64_t)most * chance) >> 32);
}
