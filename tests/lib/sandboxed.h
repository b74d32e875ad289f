/* lib/sandboxed.h - a sandbox for a test, and RPCs of its gateway. Each fails the test when it does
 * not go as it must. */
#ifndef LIB_SANDBOXED_H
#define LIB_SANDBOXED_H

#include "lib/probe.h"
#include "sandbox/sandbox.h"

#define TOPOLOGY "/gateway_protocol.Gateway/Topology"
#define HEALTH   "/grpc.health.v1.Health/Check"
#define ACTIVATE "/gateway_protocol.Gateway/ActivateJobs"
#define STREAM   "/gateway_protocol.Gateway/StreamActivatedJobs"

extern const weir_bytes no_bytes;    /* an empty message */
extern const weir_bytes job_request; /* ActivateJobs or StreamActivatedJobs, of type "t" */

struct sandbox *sandboxed_start(const struct sandbox_options *options);
struct rpc *sandboxed_open(struct sandbox *sandbox); /* plaintext */
void sandboxed_fault(struct sandbox *sandbox, const char *line);
/* A call that ends; sends p->say, or an empty message. probe_free() it. */
void sandboxed_call(struct probe *p, struct rpc *rpc, const char *path,
                    const struct rpc_call_options *options);
/* The gRPC status of such a call. */
int sandboxed_status(struct rpc *rpc, const char *path);
/* A token for the sandbox's own client; mem_free(). */
char *sandboxed_token(struct sandbox *sandbox);
/* Waits until `what` has been counted so often; fails after 10 s. */
void sandboxed_wait(struct sandbox *sandbox, const char *what, uint64_t count);
/* Waits until the log has `words`; fails after 10 s. */
void sandboxed_wait_log(struct sandbox *sandbox, const char *words);
bool sandboxed_logged(struct sandbox *sandbox, const char *words);
#endif
