/* zeebe/codec_typed.h - the messages that the API gives as structs. Any thread. */
#ifndef ZEEBE_CODEC_TYPED_H
#define ZEEBE_CODEC_TYPED_H

#include <weir/zeebe.h>

/* weir_topology_free() it. */
weir_topology *codec_topology(weir_bytes wire, weir_error *err);
/* *wire is mem_free()d by the caller. */
weir_status codec_health_request(const char *service, char **wire, size_t *len, weir_error *err);
weir_status codec_health(weir_bytes wire, weir_health *out, weir_error *err);
#endif
