/* rpc/metadata.h - metadata as it stands in HTTP/2 headers, and grpc-timeout. */
#ifndef RPC_METADATA_H
#define RPC_METADATA_H

#include <weir/zeebe.h>

/* Whether a caller may send it (gRPC over HTTP/2, "Custom-Metadata"): WEIR_INVALID names what is
 * wrong. */
weir_status metadata_check(const weir_metadata *entry, weir_error *err);
/* What it counts for, as HTTP/2 counts (RFC 9113, 6.5.2): text as sent, and 32 bytes. */
size_t metadata_size(const weir_metadata *entry);
bool metadata_is_binary(const char *name, size_t len); /* ends in "-bin" */

/* Received entries, each name and value copied; "-bin" values are decoded, and split
 * where a proxy has joined several with commas. Zeroed: empty. */
struct metadata {
    weir_metadata *list;
    size_t count, cap;
};

bool metadata_add(struct metadata *m, weir_bytes name, weir_bytes value); /* false: no memory */
void metadata_clear(struct metadata *m);

/* grpc-timeout of at most 8 digits, never less than `left_ns`, rounded up to three digits so that
 * HPACK can repeat it: the caller's own clock ends the call in time. */
void metadata_timeout(int64_t left_ns, char out[16]);
#endif
