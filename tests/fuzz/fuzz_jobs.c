/* Any bytes as an answer to ActivateJobs, and as one job: what is read by hand is what protobuf-c
 * reads, or refused; all of it can be shown. */
#include "core/mem.h"
#include "zeebe/codec.h"
#include "zeebe/codec_jobs.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Both made JSON of the same bytes: then it is the same, but where a text goes on behind a NUL. */
static void compare(const struct job_fields *f, weir_bytes wire)
{
    weir_error err = {0};
    const struct codec_method *stream = codec_method_find("StreamActivatedJobs", &err);
    char *theirs = codec_wire_to_json(stream->response, wire, true, &err);
    char *ours = codec_job_json(f, true, &err);
    bool same = theirs && ours && strcmp(theirs, ours) == 0;
    if (theirs && !memchr(wire.data, 0, wire.len) && !same)
        abort();
    mem_free(theirs);
    mem_free(ours);
}

static void as_job(weir_bytes wire)
{
    struct job_fields f;
    size_t room = codec_job_room(wire);
    if (room == SIZE_MAX)
        return;
    char *texts = mem_zalloc(room);
    codec_job_read(wire, &f, texts);
    size_t len = strlen(f.type) + strlen(f.bpmn_process_id) + strlen(f.element_id) +
                 strlen(f.custom_headers) + strlen(f.worker) + strlen(f.variables) +
                 strlen(f.tenant_id) + f.rest.len;
    if (len > wire.len || f.variables_len > wire.len)
        abort();
    if (wire.len > 0)
        compare(&f, wire);
    mem_free(texts);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    weir_bytes all = {data, size}, job;
    size_t at = 0, jobs = 0;
    while (codec_jobs_next(all, &at, &job) == CODEC_MORE) {
        if (++jobs > size)
            abort();
        as_job(job);
    }
    as_job(all);
    (void)codec_is_message(all);
    return 0;
}
