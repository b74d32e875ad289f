/* A value out of range is a wrong command line. Its kind was checked when it was parsed. */
#include "cli/amount.h"

#include "cli/fail.h"
#include "cli/value.h"

static int out_of_range(const struct amount *amount, const char *text)
{
    char least[32], most[32];
    if (!amount->duration)
        return fail_usage("--%s: \"%s\" is no number from %lld to %lld", amount->flag, text,
                          (long long)amount->least, (long long)amount->most);
    value_show_duration(amount->least, least);
    value_show_duration(amount->most, most);
    return fail_usage("--%s: \"%s\" is no duration from %s to %s", amount->flag, text, least, most);
}

int amounts_read(const struct amount *amounts, size_t count, const struct args *args, int64_t *out)
{
    for (size_t i = 0; i < count; i++) {
        const struct amount *amount = &amounts[i];
        const char *text = args_text(args, amount->flag);
        out[i] = amount->otherwise;
        if (!text)
            continue;
        const char *wrong =
            amount->duration ? value_duration(text, &out[i]) : value_number(text, &out[i]);
        if (wrong || out[i] < amount->least || out[i] > amount->most)
            return out_of_range(amount, text);
    }
    return 0;
}
