/* cli/salesforce_flags.h - flags of `weir salesforce`. */
#ifndef CLI_SALESFORCE_FLAGS_H
#define CLI_SALESFORCE_FLAGS_H

#include "cli/table.h"

extern const struct flag_group group_salesforce_login; /* where and as whom */
extern const struct flag_group group_salesforce_store; /* where subscriptions begin */
#endif
