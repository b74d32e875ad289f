/* cli/groups.h - the flags there are, in groups that commands share, and the whole table. */
#ifndef CLI_GROUPS_H
#define CLI_GROUPS_H

#include "cli/table.h"

extern const struct flag_group group_common;      /* every command */
extern const struct flag_group group_network;     /* what talks to a peer: timeout, TLS, proxy */
extern const struct flag_group group_channel;     /* `weir zeebe`: which gateway */
extern const struct flag_group group_login;       /* `weir zeebe`: as whom */
extern const struct flag_group group_cache;       /* the token cache */
extern const struct flag_group group_cache_zeebe; /* the same flag, more variables */
extern const struct flag_group group_token;       /* `weir token`: what to print */
extern const struct flag_group group_grant;       /* `weir token`: how to get it */
extern const struct flag_group group_token_zeebe; /* `weir token --for zeebe` */
extern const struct flag_group group_salesforce;  /* `weir token --for salesforce` */
extern const struct flag_group group_call;        /* `weir zeebe call` */
extern const struct flag_group group_health;      /* `weir zeebe health` */

extern const struct table weir_table;
#endif
