/* Topology and health as structs. A topology lives in the arena of the message it was made from:
 * its texts are the message's own, one release frees all. */
#include "zeebe/codec_typed.h"

#include "core/error.h"
#include "core/mem.h"
#include "zeebe/codec.h"
#include "zeebe/gateway.pb-c.h"
#include "zeebe/health.pb-c.h"

#include <stdlib.h>

struct topology {
    weir_topology face; /* first */
    struct codec_message message;
};

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

static weir_status read_topology(struct topology *t, weir_error *err)
{
    const GatewayProtocol__TopologyResponse *in =
        (const GatewayProtocol__TopologyResponse *)(const void *)t->message.message;
    weir_broker *brokers = arena_alloc(&t->message.arena, in->n_brokers * sizeof *brokers);
    bool ok = brokers != NULL;
    for (size_t i = 0; ok && i < in->n_brokers; i++)
        ok = read_broker(&t->message.arena, in->brokers[i], &brokers[i]);
    if (!ok)
        return t->message.arena.full
                   ? error_set(err, WEIR_PROTOCOL, "Topology: the answer takes too much memory")
                   : error_no_memory(err);
    if (in->n_brokers > 1)
        qsort(brokers, in->n_brokers, sizeof *brokers, by_node);
    t->face = (weir_topology){
        .cluster_size = in->clustersize,
        .partitions_count = in->partitionscount,
        .replication_factor = in->replicationfactor,
        .gateway_version = in->gatewayversion,
        .cluster_id = in->clusterid,
        .brokers = brokers,
        .broker_count = in->n_brokers,
    };
    return error_ok(err);
}

weir_topology *codec_topology(weir_bytes wire, weir_error *err)
{
    struct topology *t = mem_zalloc(sizeof *t);
    if (!t) {
        error_no_memory(err);
        return NULL;
    }
    weir_status status =
        codec_unpack(&t->message, &gateway_protocol__topology_response__descriptor, wire, err);
    if (status == WEIR_OK)
        status = read_topology(t, err);
    if (status == WEIR_OK)
        return &t->face;
    weir_topology_free(&t->face);
    return NULL;
}

void weir_topology_free(weir_topology *topology)
{
    struct topology *t = (struct topology *)(void *)topology;
    if (!t)
        return;
    codec_message_free(&t->message);
    mem_free(t);
}

weir_status codec_health_request(const char *service, char **wire, size_t *len, weir_error *err)
{
    Grpc__Health__V1__HealthCheckRequest request;
    grpc__health__v1__health_check_request__init(&request);
    request.service = (char *)(uintptr_t)service;
    return codec_pack(&request.base, wire, len, err);
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
