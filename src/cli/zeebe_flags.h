/* cli/zeebe_flags.h - rows that several commands of `weir zeebe` have alike. */
#ifndef CLI_ZEEBE_FLAGS_H
#define CLI_ZEEBE_FLAGS_H

#include "cli/commands.h"
#include "cli/groups.h"
#include "cli/zeebe_rpc.h"

/* The groups of a command with flags of its own. */
#define ZEEBE_GROUPS(name)                                                                         \
    static const struct flag_group name##_group = {"Flags", name##_flags};                         \
    static const struct flag_group *const name##_groups[] = {                                      \
        &name##_group, &group_channel, &group_login, &group_cache_zeebe, &group_network, NULL}

#define VARIABLES_FLAG(about)                                                                      \
    {                                                                                              \
        .name = "variables", .kind = FLAG_JSON, .value = "JSON", .fallback = "{}", .help = about   \
    }
#define TENANT_FLAG                                                                                \
    {                                                                                              \
        .name = "tenant-id", .kind = FLAG_TEXT, .value = "ID",                                     \
        .help = "the tenant, where the gateway knows several"                                      \
    }
#define REFERENCE_FLAG                                                                             \
    {                                                                                              \
        .name = "operation-reference", .kind = FLAG_TEXT, .value = "N",                            \
        .help = "a number of your own that the records of this operation carry (8.6 and later)"    \
    }

#define VARIABLES                                                                                  \
    {                                                                                              \
        .member = "variables", .flag = "variables", .as = AS_VARIABLES, .otherwise = "{}"          \
    }
#define TENANT                                                                                     \
    {                                                                                              \
        .member = "tenantId", .flag = "tenant-id"                                                  \
    }
#define REFERENCE                                                                                  \
    {                                                                                              \
        .member = "operationReference", .flag = "operation-reference", .as = AS_REFERENCE          \
    }
#endif
