/* zeebe/codec_jobs.h - the messages about jobs, written and read by hand: they are most of what a
 * worker does, and a job must cost one allocation. Pure; any thread. */
#ifndef ZEEBE_CODEC_JOBS_H
#define ZEEBE_CODEC_JOBS_H

#include "core/buf.h"
#include <weir/json.h>

/* ---- read ---- */

/* An ActivatedJob. The texts are NUL-terminated, never NULL. */
struct job_fields {
    int64_t key, process_instance_key, process_definition_key, element_instance_key;
    int64_t deadline; /* ms since the epoch, by the gateway's clock */
    int32_t process_definition_version, retries;
    const char *type, *bpmn_process_id, *element_id, *custom_headers, *worker, *variables,
        *tenant_id;
    size_t variables_len, custom_headers_len;
    weir_bytes rest; /* the fields that are rarely there, as they came */
};

enum codec_step { CODEC_MORE, CODEC_END, CODEC_BROKEN };

/* The next ActivatedJob of an ActivateJobsResponse; *at counts on from 0. */
enum codec_step codec_jobs_next(weir_bytes response, size_t *at, weir_bytes *job);
/* Whether these bytes are a protobuf message at all: what an answer without fields must be. */
bool codec_is_message(weir_bytes wire);
/* How much room codec_job_read() needs for the texts; SIZE_MAX: these bytes are no ActivatedJob. */
size_t codec_job_room(weir_bytes wire);
void codec_job_read(weir_bytes wire, struct job_fields *out, char *room);
/* The whole job as compact protojson, mem_free(). `variables` false leaves these out. */
char *codec_job_json(const struct job_fields *f, bool variables, weir_error *err);

/* ---- written ----
 *
 * Appended to *out, whose failure is the only one. */

struct activation {
    const char *type, *worker;
    int64_t timeout_ms;
    const char *const *fetch_variables; /* NULL-terminated, or NULL */
    const char *const *tenant_ids;
    int tenant_filter;
};
void codec_activate(struct buf *out, const struct activation *a, int32_t jobs,
                    int64_t request_timeout_ms);
void codec_stream(struct buf *out, const struct activation *a);

/* `variables` NULL: none. */
void codec_complete(struct buf *out, int64_t key, const char *variables, weir_bytes result);
void codec_fail(struct buf *out, int64_t key, int32_t retries, int64_t backoff_ms,
                const char *message, const char *variables);
void codec_throw(struct buf *out, int64_t key, const char *code, const char *message,
                 const char *variables);
void codec_timeout(struct buf *out, int64_t key, int64_t timeout_ms);
#endif
