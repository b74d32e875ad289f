/* cli/sandbox_child.h - the program below `weir sandbox -- CMD`. Main thread only. */
#ifndef CLI_SANDBOX_CHILD_H
#define CLI_SANDBOX_CHILD_H

#include <stdbool.h>

/* Before any thread is started: from now on signals wait for child_run(). */
void child_prepare(void);
/* Runs argv (ended by NULL) with this process's environment, no descriptors but 0, 1, 2, and
 * ordinary signals; passes signals on until it has ended. Its exit status, or 128 and the signal's
 * number; false: it could not be started, *status is 127 or 126 and errno says why. */
bool child_run(char **argv, int *status);
#endif
