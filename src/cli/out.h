/* cli/out.h - standard output. What cannot be written ends the program at once: a closed reader
 * silently with status 141, anything else (a full disk) with a line and status 74. */
#ifndef CLI_OUT_H
#define CLI_OUT_H

#include <weir/base.h>

/* Opens /dev/null for those of 0, 1, 2 that are closed, so that no socket takes their place. First
 * thing in main(). */
void out_setup(void);
void out_add(const char *text);
void out_addf(const char *fmt, ...) WEIR_PRINTF(1, 2);
void out_flush(void);
/* If it is a file whose last line is torn (another one was killed), ends that line first. */
void out_mend(void);
#endif
