/* Any text as a script of faults: taken whole or refused with a reason; what is taken can be had
 * and named. */
#include "core/mem.h"
#include "sandbox/fault.h"
#include "sandbox/names.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void take_some(struct faults *faults)
{
    char name[FAULT_TEXT_MAX + 16];
    struct fault fault;
    for (const char *const *what = names_of_requests(); *what; what++) {
        if (!faults_take(faults, *what, &fault))
            continue;
        if (fault.how == FAULT_NONE || fault.after < 0 || !*fault_name(&fault, name, sizeof name))
            abort();
        if (!memchr(fault.text, '\0', sizeof fault.text))
            abort();
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    weir_error err = {0};
    struct faults *faults = faults_new();
    char *text = mem_dup(data, size);
    weir_status status = faults_add_script(faults, text, size, "script", &err);
    if (status == WEIR_OK)
        take_some(faults);
    else if (!strstr(err.message, "script"))
        abort();
    (void)faults_add(faults, text, &err);
    take_some(faults);
    mem_free(text);
    faults_free(faults);
    return 0;
}
