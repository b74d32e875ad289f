/* The words are zbctl's; what a newer gateway may send beyond them is "Unknown". Pure. */
#include "cli/topology.h"

#include <inttypes.h>

static const char *role_name(int32_t role)
{
    static const char *const names[] = {"Leader", "Follower", "Inactive"};
    return role >= 0 && role < 3 ? names[role] : "Unknown";
}

static const char *health_word(int32_t health)
{
    static const char *const names[] = {"Healthy", "Unhealthy", "Dead"};
    return health >= 0 && health < 3 ? names[health] : "Unknown";
}

static void add_broker(struct str *out, const weir_broker *broker)
{
    str_addf(out, "  Broker %" PRId32 " - %s:%" PRId32 "\n", broker->node_id, broker->host,
             broker->port);
    str_addf(out, "    Version: %s\n", *broker->version ? broker->version : "unavailable");
    for (size_t i = 0; i < broker->partition_count; i++)
        str_addf(out, "    Partition %" PRId32 " : %s, %s\n", broker->partitions[i].id,
                 role_name(broker->partitions[i].role), health_word(broker->partitions[i].health));
}

void cli_topology_text(struct str *out, const weir_topology *topology)
{
    const char *version = topology->gateway_version;
    str_addf(out, "Cluster size: %" PRId32 "\n", topology->cluster_size);
    str_addf(out, "Partitions count: %" PRId32 "\n", topology->partitions_count);
    str_addf(out, "Replication factor: %" PRId32 "\n", topology->replication_factor);
    str_addf(out, "Gateway version: %s\n", version && *version ? version : "unavailable");
    str_add(out, "Brokers:\n");
    for (size_t i = 0; i < topology->broker_count; i++)
        add_broker(out, &topology->brokers[i]);
}
