/* libwslay, loaded once. A failure is not remembered: the package may be installed meanwhile. */
#include "bayeux/wslay.h"

#include "core/lazy.h"

#include <pthread.h>

struct wslay wslay;

#define FUNCTION(name)                                                                             \
    {                                                                                              \
        "wslay_" #name, (void (**)(void)) & wslay.name                                             \
    }

weir_status wslay_load(weir_error *err)
{
    static const struct lazy_symbol symbols[] = {FUNCTION(frame_context_init),
                                                 FUNCTION(frame_context_free),
                                                 FUNCTION(frame_send),
                                                 FUNCTION(frame_recv),
                                                 {0}};
    static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
    static bool loaded; /* @locked */
    pthread_mutex_lock(&lock);
    weir_status status = loaded ? WEIR_OK : lazy_load("libwslay.so.1", "libwslay1", symbols, err);
    loaded = status == WEIR_OK;
    pthread_mutex_unlock(&lock);
    return status;
}
