/* cli/signals.h - SIGINT and SIGTERM. */
#ifndef CLI_SIGNALS_H
#define CLI_SIGNALS_H

#include <stdbool.h>

/* A one-shot command ends at once with 130 or 143. */
void signals_end_at_once(void);
/* For a long-running command, SIGHUP included unless it is ignored: the first signal makes the
 * returned descriptor readable, a second one ends the program at once with 129, 130 or 143. -1 with
 * errno when there are no descriptors. */
int signals_watch(void);
#endif
