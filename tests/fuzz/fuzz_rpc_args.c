/* Lines "name=text" or "name#number" as channel arguments: refused with the name in the message, or
 * resolved to values that make sense together. */
#include "rpc/args.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define MOST 32

static bool sane(const struct rpc_args *a)
{
    return a->keepalive_time_ms > 0 && a->keepalive_timeout_ms >= 0 && a->max_receive >= -1 &&
           a->max_send >= -1 && a->max_metadata >= 0 && a->max_metadata <= INT32_MAX &&
           a->initial_backoff_ms > 0 && a->max_backoff_ms > 0 && a->idle_timeout_ms >= 0 &&
           a->lb_policy && a->enable_retries >> 1 == 0 && a->keepalive_without_calls >> 1 == 0;
}

static weir_channel_arg arg_of(char *line)
{
    char *middle = strpbrk(line, "=#");
    weir_channel_arg arg = {.name = line};
    if (middle && *middle == '=')
        arg.text = middle + 1;
    else if (middle)
        arg.number = strtoll(middle + 1, NULL, 10);
    if (middle)
        *middle = '\0';
    return arg;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char text[4096] = "";
    weir_channel_arg args[MOST + 1] = {{0}};
    struct rpc_args out;
    weir_error err = {0};
    char *rest = text;
    if (size >= sizeof text)
        return 0;
    if (size)
        memcpy(text, data, size);
    for (size_t i = 0; i < MOST && rest; i++)
        args[i] = arg_of(strsep(&rest, "\n"));
    weir_status status = args_read(&out, args, &err);
    if (status == WEIR_OK ? !sane(&out) : !err.message[0])
        abort();
    return 0;
}
