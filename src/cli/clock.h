/* cli/clock.h - the one place of the program that asks for the time of intervals and for chance.
 * Any thread. */
#ifndef CLI_CLOCK_H
#define CLI_CLOCK_H

#include <weir/base.h>

/* Milliseconds of a clock that is never set. */
weir_ms clock_now(void);
/* Evenly from 0 up to, not including, `most`; 0 for a `most` below 1. */
weir_ms clock_chance(weir_ms most);
#endif
