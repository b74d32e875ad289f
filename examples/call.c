/* Any RPC from JSON: call RPC [JSON]. Prints each message of the answer, and the trailers. */
#include <stdio.h>
#include <weir/weir.h>

int main(int argc, char **argv)
{
    weir_error err = {0};
    char *message = NULL;
    size_t count = 0;
    weir_zeebe *zeebe = weir_zeebe_new(NULL, &err);
    weir_call *call = weir_zeebe_call_start(zeebe, argc > 1 ? argv[1] : "Topology",
                                            argc > 2 ? argv[2] : NULL, NULL, &err);
    while (weir_call_next(call, &message, WEIR_FOREVER, &err) == WEIR_OK) {
        puts(message);
        weir_free(message);
    }
    const weir_metadata *trailers = weir_call_trailers(call, &count);
    for (size_t i = 0; i < count; i++)
        fprintf(stderr, "%s: %.*s\n", trailers[i].name, (int)trailers[i].value.len,
                (const char *)trailers[i].value.data);
    weir_call_free(call);
    weir_zeebe_free(zeebe);
    return weir_error_exit(&err, "call");
}
