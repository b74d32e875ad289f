/* Topology and health as structs. A topology lives in the arena of the message it was made from:
 * its texts are the message's own, one release frees all. */
#include "zeebe/codec_typed.h"

#include "zeebe/codec_results.h"
#include "zeebe/gateway.pb-c.h"
#include "zeebe/health.pb-c.h"

#include <stdlib.h>

static int by_id(const void *a, const void *b)
{
    const weir_partition *left = a, *right = b;
    return (left->id > right->id) - (left->id < right->id);
}

static int by_node(const void *a, const void *b)
{
    const weir_broker *left = a, *right = b;
    return (left->node_id > right->node_id) - (left->node_id < right->node_id);
}

static bool read_broker(struct arena *arena, const GatewayProtocol__BrokerInfo *in,
                        weir_broker *out)
{
    weir_partition *partitions = arena_alloc(arena, in->n_partitions * sizeof *partitions);
    if (!partitions)
        return false;
    for (size_t i = 0; i < in->n_partitions; i++) {
        const GatewayProtocol__Partition *p = in->partitions[i];
        partitions[i] = (weir_partition){p->partitionid, (int32_t)p->role, (int32_t)p->health};
    }
    if (in->n_partitions > 1)
        qsort(partitions, in->n_partitions, sizeof *partitions, by_id);
    *out = (weir_broker){in->nodeid, in->port, in->host, in->version, partitions, in->n_partitions};
    return true;
}

static const weir_broker *read_brokers(struct codec_result *result,
                                       const GatewayProtocol__TopologyResponse *in)
{
    weir_broker *brokers = codec_result_array(result, in->n_brokers, sizeof *brokers);
    bool ok = brokers != NULL;
    for (size_t i = 0; ok && i < in->n_brokers; i++)
        ok = read_broker(&result->message.arena, in->brokers[i], &brokers[i]);
    if (ok && in->n_brokers > 1)
        qsort(brokers, in->n_brokers, sizeof *brokers, by_node);
    return ok ? brokers : NULL;
}

void *codec_topology(const struct codec_method *method, weir_bytes wire, weir_error *err)
{
    struct codec_result *result =
        codec_result_new(sizeof(weir_topology), method->response, wire, err);
    if (!result)
        return NULL;
    const GatewayProtocol__TopologyResponse *in = (const void *)result->message.message;
    weir_topology *out = (void *)result->face;
    *out = (weir_topology){
        .cluster_size = in->clustersize,
        .partitions_count = in->partitionscount,
        .replication_factor = in->replicationfactor,
        .gateway_version = in->gatewayversion,
        .cluster_id = in->clusterid,
        .brokers = read_brokers(result, in),
        .broker_count = in->n_brokers,
    };
    if (out->brokers)
        return out;
    codec_result_failed(result, err);
    codec_result_free(out);
    return NULL;
}

weir_status codec_health(weir_bytes wire, weir_health *out, weir_error *err)
{
    struct codec_message m;
    weir_status status =
        codec_unpack(&m, &grpc__health__v1__health_check_response__descriptor, wire, err);
    if (status == WEIR_OK)
        *out = (weir_health)((const Grpc__Health__V1__HealthCheckResponse *)(const void *)m.message)
                   ->status;
    codec_message_free(&m);
    return status;
}
