/* The few things of weir/base.h that are no type. */
#include "core/mem.h"
#include <weir/base.h>

const char weir_omit[] = "";

const char *weir_version(void)
{
    return "0.1.0";
}

void weir_free(void *memory)
{
    mem_free(memory);
}
