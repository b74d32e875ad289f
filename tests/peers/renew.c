/* One program for longer than its tokens live: no call may notice. Usage: peer_renew ADDRESS
 * TOKEN_URL SECONDS, with ZEEBE_CLIENT_ID and ZEEBE_CLIENT_SECRET. Prints how many calls were made.
 */
#include <stdio.h>
#include <stdlib.h>

#include "core/clock.h"

#include <weir/channel.h>
#include <weir/error.h>
#include <weir/zeebe.h>

#define PAUSE_MS 50

/* The pause is a wait for news of the channel. */
static unsigned calls_until(weir_channel *channel, weir_zeebe *zeebe, int64_t end, weir_error *err)
{
    unsigned calls = 0;
    weir_error news = {0};
    while (clock_mono(clock_system()) < end && err->status == WEIR_OK) {
        weir_topology_free(weir_zeebe_topology(zeebe, 5000, err));
        calls += err->status == WEIR_OK;
        weir_channel_wait(channel, WEIR_CHANNEL_READY, PAUSE_MS, &news);
    }
    return calls;
}

int main(int argc, char **argv)
{
    if (argc < 4)
        return 64;
    weir_error err = {0};
    weir_channel *channel = weir_channel_oauth2_client_credentials(
        WEIR_OAUTH2_CHANNEL(.grpc_address = argv[1], .authorization_server = argv[2],
                            .audience = WEIR_OMIT, .plaintext = true),
        &err);
    weir_zeebe *zeebe = weir_zeebe_new(channel, &err);
    unsigned calls = 0;
    if (zeebe) {
        int64_t end = clock_mono(clock_system()) + strtol(argv[3], NULL, 10) * NS_PER_S;
        calls = calls_until(channel, zeebe, end, &err);
    }
    printf("calls: %u\n", calls);
    weir_zeebe_free(zeebe);
    weir_channel_close(channel);
    return weir_error_exit(&err, "renew");
}
