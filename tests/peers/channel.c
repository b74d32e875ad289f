/* What one program with one channel sees of a proxy that ends connections, after idle seconds or
 * after so many requests: nothing. Usage: peer_channel HOST:PORT CA_FILE CERT_FILE KEY_FILE. Prints
 * "ok NAME" or "FAIL NAME: why". */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

#include <weir/channel.h>
#include <weir/error.h>
#include <weir/zeebe.h>

#define THREADS  8
#define CALLS    60 /* of each thread */
#define IDLE_MAX 15000
#define CUTS     4

static weir_channel *channel;
static weir_zeebe *zeebe;
static int failures;

static void outcome(const char *name, const weir_error *err)
{
    if (err->status == WEIR_OK)
        printf("ok channel: %s\n", name);
    else
        printf("FAIL channel: %s: %s\n", name, err->message);
    failures += err->status != WEIR_OK;
}

static weir_status topology(weir_error *err)
{
    weir_topology_free(weir_zeebe_topology(zeebe, 10000, err));
    return err->status;
}

static uint64_t connects(void)
{
    weir_channel_counters n = {.struct_size = sizeof n};
    weir_channel_counters_read(channel, &n, NULL);
    return n.connects;
}

static void idle_cuts(void)
{
    weir_error err = {0};
    uint64_t before = connects();
    for (int i = 0; i < CUTS && err.status == WEIR_OK; i++) {
        if (topology(&err) == WEIR_OK)
            weir_channel_wait(channel, WEIR_CHANNEL_READY, IDLE_MAX, &err);
    }
    outcome("calls between idle cuts", &err);
    if (connects() - before != CUTS)
        err = (weir_error){.status = WEIR_BUG, .message = "the proxy did not cut every time"};
    outcome("each cut was one", &err);
}

static void *caller(void *user)
{
    weir_error *err = user;
    for (int i = 0; i < CALLS && topology(err) == WEIR_OK; i++)
        continue;
    return NULL;
}

static void many_requests(void)
{
    static weir_error errors[THREADS];
    pthread_t threads[THREADS];
    uint64_t before = connects();
    for (int i = 0; i < THREADS; i++) {
        if (pthread_create(&threads[i], NULL, caller, &errors[i]))
            exit(71);
    }
    for (int i = 0; i < THREADS; i++)
        pthread_join(threads[i], NULL);
    for (int i = 0; i < THREADS; i++)
        outcome("calls across connections that end after 100 requests", &errors[i]);
    weir_error err = {0};
    if (connects() - before < 4)
        err = (weir_error){.status = WEIR_BUG, .message = "the proxy did not end connections"};
    outcome("there were several", &err);
}

int main(int argc, char **argv)
{
    if (argc < 5)
        return 64;
    weir_error err = {0};
    const weir_tls_options *tls =
        WEIR_TLS(.root_certificates_file = argv[2], .certificate_chain_file = argv[3],
                 .private_key_file = argv[4]);
    channel = weir_channel_secure(WEIR_CHANNEL(.grpc_address = argv[1], .tls = tls), &err);
    zeebe = weir_zeebe_new(channel, &err);
    if (!zeebe)
        return weir_error_exit(&err, "channel");
    idle_cuts();
    many_requests();
    weir_zeebe_free(zeebe);
    weir_channel_close(channel);
    return failures ? 1 : 0;
}
