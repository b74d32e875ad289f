/* sandbox/names.h - the names a fault line may use, in tables: kinds of requests, RPCs of the
 * gateway, gRPC statuses. */
#ifndef SANDBOX_NAMES_H
#define SANDBOX_NAMES_H

/* Everything that can be asked of the sandbox: "token", "zeebe", "zeebe.Topology", ...; by NULL. */
const char *const *names_of_requests(void);
const char *const *names_of_grpc(void);  /* "OK", "CANCELLED", ... by number; by NULL       */
int grpc_code(const char *name);         /* -1: none                                         */
const char *grpc_name(int code);         /* "UNKNOWN" for a number that is none             */
const char *const *names_of_oauth(void); /* the errors of RFC 6749, 5.2 and 4.1.2.1; by NULL */
#endif
