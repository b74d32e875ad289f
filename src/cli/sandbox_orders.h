/* cli/sandbox_orders.h - which sandbox orders go to. */
#ifndef CLI_SANDBOX_ORDERS_H
#define CLI_SANDBOX_ORDERS_H

#include <weir/error.h>

/* What WEIR_SANDBOX says; NULL: WEIR_MISSING. */
const char *sandbox_url(weir_error *err);
#endif
