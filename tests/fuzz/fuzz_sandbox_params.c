/* Any bytes as a form and as a JSON document of a token request. */
#include "core/mem.h"
#include "core/text.h"
#include "sandbox/params.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(struct params *params, weir_status status, const weir_error *err)
{
    if ((status == WEIR_OK) != (err->message[0] == '\0') || params->count > PARAMS_MAX)
        abort();
    if (status != WEIR_OK && params->count)
        abort();
    for (size_t i = 0; i < params->count; i++) {
        const struct journal_pair *pair = &params->list[i];
        if (!text_is_utf8(pair->name, strlen(pair->name)) ||
            !text_is_utf8(pair->value, strlen(pair->value)))
            abort();
    }
    params_clear(params);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct params params;
    weir_error form = {0}, document = {0};
    char *text = mem_dup(data, size);
    weir_status status = params_form(&params, text, size, &form);
    check(&params, status, &form);
    status = params_json(&params, text, size, &document);
    check(&params, status, &document);
    mem_free(text);
    return 0;
}
