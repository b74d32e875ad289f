/* A BPMN file: it is processes whose every part can be used, or a report says why not. */
#include "core/mem.h"
#include "sandbox/bpmn.h"

#include <stdint.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static bool is_whole(const struct bpmn_element *e)
{
    switch (e->kind) {
    case BPMN_JOB:
        return e->job_type && e->headers && e->retries >= 0;
    case BPMN_MESSAGE:
        return e->message && e->correlation &&
               (e->correlation_is_text || bpmn_is_path(e->correlation));
    case BPMN_TIMER:
        return e->duration_ms >= 0;
    case BPMN_START:
    case BPMN_END:
        break;
    }
    return true;
}

static void check_element(const struct bpmn_process *process, const struct bpmn_element *e)
{
    if (!e->id || !e->tag || !e->type || e->next >= (int)process->count || !is_whole(e))
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct buf report = BUF_INIT(BPMN_REPORT_MAX + 1);
    struct bpmn_process *list = bpmn_read((weir_bytes){(const char *)data, size}, &report);
    if ((list == NULL) != (report.len > 0) || report.failed)
        abort();
    for (const struct bpmn_process *p = list; p; p = p->next) {
        if (p->start < 0 || p->count > BPMN_ELEMENTS_MAX)
            abort();
        for (size_t i = 0; i < p->count; i++)
            check_element(p, &p->elements[i]);
    }
    bpmn_free(list);
    buf_free(&report);
    return 0;
}
