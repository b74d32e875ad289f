/* zeebe/codec_results.h - answers as the structs of the API. Each lives in the arena of the message
 * it was made from, whose texts are its own; one release frees all. Any thread. */
#ifndef ZEEBE_CODEC_RESULTS_H
#define ZEEBE_CODEC_RESULTS_H

#include "zeebe/codec.h"
#include <weir/commands.h>
#include <weir/resources.h>

/* An answer that is the caller's to read: `face` is what the API gives. */
struct codec_result {
    struct codec_message message;
    max_align_t face[];
};

/* With room for a face of `size` bytes. NULL: the bytes are no such message, or no memory. */
struct codec_result *codec_result_new(size_t size, const struct ProtobufCMessageDescriptor *type,
                                      weir_bytes wire, weir_error *err);
void codec_result_free(void *face);
/* An array in its arena; one of no elements is no failure. */
void *codec_result_array(struct codec_result *result, size_t count, size_t size);
/* Why a step of filling `result` failed: full, or no memory. */
weir_status codec_result_failed(const struct codec_result *result, weir_error *err);

/* Reads an answer of `method`; codec_result_free() releases it. */
typedef void *codec_reader(const struct codec_method *method, weir_bytes wire, weir_error *err);
codec_reader codec_topology, codec_instance, codec_deployment, codec_decision, codec_deletion;

/* Whether an answer of `method` holds a key, and reading it. */
bool codec_has_key(const struct codec_method *method);
weir_status codec_key(const struct codec_method *method, weir_bytes wire, int64_t *key,
                      weir_error *err);
/* That it is one at all. */
weir_status codec_check(const struct codec_method *method, weir_bytes wire, weir_error *err);
#endif
