/* cli/held.h - warnings of the library, held back until the command's end: a command that fails
 * says why in one line, and not before that what each of its attempts found. Any thread. */
#ifndef CLI_HELD_H
#define CLI_HELD_H

#include <stdbool.h>

/* Keeps a line (with its end) for `message`, unless that message is kept already. `attempt`: it is
 * one of a channel's attempts, which the error of a command that fails speaks of. False: there is
 * no room left, show it now. */
bool held_add(const char *line, const char *message, bool attempt);
/* Writes to stderr what is kept and neither part of nor explained by what is `said`, the error of
 * a command that failed or "", and forgets it. */
void held_show(const char *said);
#endif
