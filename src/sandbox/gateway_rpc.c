/* A table of what the gateway knows by itself; the rest is the engine's. */
#include "sandbox/gateway_rpc.h"

#include "sandbox/names.h"
#include "zeebe/codec.h"
#include "zeebe/gateway.pb-c.h"
#include "zeebe/health.pb-c.h"

#include <stdio.h>
#include <string.h>

static const char *const health_services[] = {"", "gateway_protocol.Gateway"};

static void topology(const ProtobufCMessage *request, uint16_t port, struct rpc_reply *reply)
{
    char host[] = "127.0.0.1", version[] = GATEWAY_VERSION, cluster[] = "sandbox";
    GatewayProtocol__Partition partition;
    GatewayProtocol__Partition *partitions[] = {&partition};
    GatewayProtocol__BrokerInfo broker;
    GatewayProtocol__BrokerInfo *brokers[] = {&broker};
    GatewayProtocol__TopologyResponse response;
    (void)request;
    gateway_protocol__partition__init(&partition);
    gateway_protocol__broker_info__init(&broker);
    gateway_protocol__topology_response__init(&response);
    partition.partitionid = 1;
    partition.role = GATEWAY_PROTOCOL__PARTITION__PARTITION_BROKER_ROLE__LEADER;
    partition.health = GATEWAY_PROTOCOL__PARTITION__PARTITION_BROKER_HEALTH__HEALTHY;
    broker.host = host;
    broker.port = port;
    broker.version = version;
    broker.partitions = partitions;
    broker.n_partitions = 1;
    response.brokers = brokers;
    response.n_brokers = 1;
    response.clustersize = response.partitionscount = response.replicationfactor = 1;
    response.gatewayversion = version;
    response.clusterid = cluster;
    reply_pack(reply, &response.base);
}

static bool is_served(const ProtobufCMessage *request)
{
    const Grpc__Health__V1__HealthCheckRequest *asked = (const void *)request;
    for (size_t i = 0; i < sizeof health_services / sizeof health_services[0]; i++) {
        if (strcmp(asked->service, health_services[i]) == 0)
            return true;
    }
    return false;
}

static void health_check(const ProtobufCMessage *request, uint16_t port, struct rpc_reply *reply)
{
    Grpc__Health__V1__HealthCheckResponse response;
    (void)port;
    grpc__health__v1__health_check_response__init(&response);
    response.status = GRPC__HEALTH__V1__HEALTH_CHECK_RESPONSE__SERVING_STATUS__SERVING;
    if (is_served(request))
        reply_pack(reply, &response.base);
    else
        reply_refuse(reply, REPLY_NOT_FOUND, "unknown service");
}

/* Says how it is, and nothing more because nothing ever changes. */
static void health_watch(const ProtobufCMessage *request, uint16_t port, struct rpc_reply *reply)
{
    Grpc__Health__V1__HealthCheckResponse response;
    (void)port;
    grpc__health__v1__health_check_response__init(&response);
    response.status =
        is_served(request)
            ? GRPC__HEALTH__V1__HEALTH_CHECK_RESPONSE__SERVING_STATUS__SERVING
            : GRPC__HEALTH__V1__HEALTH_CHECK_RESPONSE__SERVING_STATUS__SERVICE_UNKNOWN;
    reply_pack(reply, &response.base);
    reply->waits = true;
    reply->after = WEIR_FOREVER;
}

static const struct {
    const char *path;
    void (*run)(const ProtobufCMessage *request, uint16_t port, struct rpc_reply *reply);
} answers[] = {
    {"/gateway_protocol.Gateway/Topology", topology},
    {"/grpc.health.v1.Health/Check", health_check},
    {"/grpc.health.v1.Health/Watch", health_watch},
};

#define ANSWERS (sizeof answers / sizeof answers[0])

const struct codec_method *gateway_method(const char *path)
{
    const struct codec_method *method = NULL;
    for (size_t i = 0; (method = codec_method_at(i)) && strcmp(method->path, path) != 0; i++)
        ;
    return method;
}

/* The names are static: those of names.h. */
const char *gateway_what(const struct codec_method *method)
{
    if (!method)
        return "zeebe";
    if (strncmp(method->path, "/grpc.health.v1.", 16) == 0)
        return "zeebe.Health";
    for (const char *const *name = names_of_requests(); *name; name++) {
        if (strncmp(*name, "zeebe.", 6) == 0 && strcmp(*name + 6, method->name) == 0)
            return *name;
    }
    return "zeebe";
}

static bool answer(const struct gateway_ask *ask, const ProtobufCMessage *request,
                   struct rpc_reply *reply)
{
    for (size_t i = 0; i < ANSWERS; i++) {
        if (strcmp(answers[i].path, ask->method->path) != 0)
            continue;
        answers[i].run(request, ask->port, reply);
        return true;
    }
    return engine_ask(ask->engine, ask->method->name, request, ask->waiter, reply);
}

void gateway_reply(const struct gateway_ask *ask, struct rpc_reply *reply)
{
    struct codec_message asked = {0};
    weir_error err = {0};
    *reply = (struct rpc_reply){.status = 0};
    if (codec_unpack(&asked, ask->method->request, ask->request, &err) != WEIR_OK)
        reply_refuse(reply, REPLY_INTERNAL, "Invalid protobuf byte sequence"); /* grpc-java's */
    else if (!answer(ask, asked.message, reply))
        reply_refuse(reply, REPLY_UNIMPLEMENTED, "the sandbox does not do %s", ask->method->name);
    codec_message_free(&asked);
}
