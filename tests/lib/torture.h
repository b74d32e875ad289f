/* lib/torture.h - a scenario again and again, with the first, the second, ... allocation failing,
 * until it needs fewer than that. */
#ifndef LIB_TORTURE_H
#define LIB_TORTURE_H

#include <weir/error.h>

/* Does something from beginning to end and releases all of it. Fails the test by cmocka's asserts
 * where a result is wrong although its status says OK. @return how it ended, *err as well. */
typedef weir_status torture_scenario(void *user, weir_error *err);

/* Every run ends in WEIR_OK or WEIR_NO_MEMORY, and what it took from core/mem it gave back. Only
 * for scenarios on one thread. @return how many allocations the scenario makes: at least one. */
long torture(torture_scenario *scenario, void *user);
#endif
