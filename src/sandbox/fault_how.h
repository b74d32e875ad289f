/* sandbox/fault_how.h - the third word of a fault's line: what happens. Pure; fault.h has the rest.
 */
#ifndef SANDBOX_FAULT_HOW_H
#define SANDBOX_FAULT_HOW_H

#include "sandbox/fault.h"

/* `what` is a name of names_of_requests(). WEIR_INVALID: there is no such fault, it does not take
 * this value, or it cannot happen to `what`. */
weir_status fault_read_how(struct fault *fault, const char *what, const char *word,
                           weir_error *err);
#endif
