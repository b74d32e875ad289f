/* What an outside program does first: ask a gateway, and say clearly that nobody is there. */
#include <stdio.h>
#include <string.h>
#include <weir/weir.h>

int main(void)
{
    weir_error err = {0};
    weir_channel *channel =
        weir_channel_insecure(WEIR_CHANNEL(.grpc_address = "127.0.0.1:1"), &err);
    weir_zeebe *zeebe = weir_zeebe_new(channel, &err);
    weir_topology *topology = weir_zeebe_topology(zeebe, 2000, &err);
    weir_topology_free(topology);
    weir_zeebe_free(zeebe);
    weir_channel_close(channel);
    printf("weir %s: %s\n", weir_version(), weir_status_name(err.status));
    return strcmp(weir_status_name(err.status), "WEIR_UNREACHABLE") == 0 ? 0 : 1;
}
