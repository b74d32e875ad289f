/* core/shield.h - a thread that is cancelled with pthread_cancel() while it waits, or writes with a
 * lock in hand, would leave that lock for ever, or a call that points into its stack. So no
 * function of the library lets itself be cancelled; the thread ends at its own next cancellation
 * point. */
#ifndef CORE_SHIELD_H
#define CORE_SHIELD_H

/* Any thread, no lock; they nest. */
int shield_up(void);
void shield_down(int before); /* what shield_up() returned */
#endif
