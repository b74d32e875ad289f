/* A cluster as zbctl shows it. */
#include "cli/topology.h"

#include "lib/check.h"

static void the_text_is_zbctls_word_by_word(void **state)
{
    (void)state;
    const weir_partition first[] = {{1, WEIR_LEADER, WEIR_HEALTHY}, {2, WEIR_FOLLOWER, WEIR_DEAD}};
    const weir_partition second[] = {{1, WEIR_INACTIVE, WEIR_UNHEALTHY}, {2, 7, -1}};
    const weir_broker brokers[] = {
        {.node_id = 0,
         .port = 26501,
         .host = "a",
         .version = "8.7.1",
         .partitions = first,
         .partition_count = 2},
        {.node_id = 12,
         .port = 1,
         .host = "b.example",
         .version = "",
         .partitions = second,
         .partition_count = 2},
    };
    const weir_topology topology = {.cluster_size = 2,
                                    .partitions_count = 2,
                                    .replication_factor = 1,
                                    .gateway_version = "8.7.1",
                                    .cluster_id = "",
                                    .brokers = brokers,
                                    .broker_count = 2};
    struct str out = {0};
    cli_topology_text(&out, &topology);
    assert_string_equal(out.data, "Cluster size: 2\n"
                                  "Partitions count: 2\n"
                                  "Replication factor: 1\n"
                                  "Gateway version: 8.7.1\n"
                                  "Brokers:\n"
                                  "  Broker 0 - a:26501\n"
                                  "    Version: 8.7.1\n"
                                  "    Partition 1 : Leader, Healthy\n"
                                  "    Partition 2 : Follower, Dead\n"
                                  "  Broker 12 - b.example:1\n"
                                  "    Version: unavailable\n"
                                  "    Partition 1 : Inactive, Unhealthy\n"
                                  "    Partition 2 : Unknown, Unknown\n");
    str_free(&out);
}

static void a_cluster_without_brokers_is_shown_too(void **state)
{
    (void)state;
    const weir_topology topology = {.gateway_version = "", .cluster_id = ""};
    struct str out = {0};
    cli_topology_text(&out, &topology);
    assert_string_equal(out.data, "Cluster size: 0\nPartitions count: 0\nReplication factor: 0\n"
                                  "Gateway version: unavailable\nBrokers:\n");
    str_free(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_text_is_zbctls_word_by_word),
        cmocka_unit_test(a_cluster_without_brokers_is_shown_too),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
