/* The state of the cluster that the environment describes. */
#include <stdio.h>
#include <weir/weir.h>

int main(void)
{
    static const char *const roles[] = {"leader", "follower", "inactive"};
    weir_error err = {0};
    weir_health health = WEIR_HEALTH_UNKNOWN;
    weir_zeebe *zeebe = weir_zeebe_new(NULL, &err); /* NULL: weir_channel_from_environment() */
    weir_topology *topology = weir_zeebe_topology(zeebe, WEIR_DEFAULT_TIMEOUT, &err);
    for (size_t i = 0; topology && i < topology->broker_count; i++) {
        const weir_broker *broker = &topology->brokers[i];
        printf("broker %d at %s:%d, version %s\n", broker->node_id, broker->host, broker->port,
               broker->version);
        for (size_t p = 0; p < broker->partition_count; p++) {
            int32_t role = broker->partitions[p].role;
            printf("  partition %d: %s\n", broker->partitions[p].id,
                   role >= 0 && role <= WEIR_INACTIVE ? roles[role] : "?");
        }
    }
    weir_topology_free(topology);
    if (err.status == WEIR_OK &&
        weir_zeebe_health(zeebe, NULL, &health, WEIR_DEFAULT_TIMEOUT, &err) == WEIR_OK)
        printf("the gateway is %s\n", health == WEIR_HEALTH_SERVING ? "serving" : "not serving");
    weir_zeebe_free(zeebe);
    return weir_error_exit(&err, "state");
}
