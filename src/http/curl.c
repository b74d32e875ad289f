/* libcurl, loaded once. A failure is not remembered: the package may be installed meanwhile. */
#include "http/curl.h"

#include "core/error.h"
#include "core/lazy.h"

#include <pthread.h>

struct curl curl;

#define FUNCTION(name)                                                                             \
    {                                                                                              \
        "curl_" #name, (void (**)(void)) & curl.name                                               \
    }

static const struct lazy_symbol symbols[] = {
    FUNCTION(global_init),
    FUNCTION(easy_init),
    FUNCTION(easy_cleanup),
    FUNCTION(easy_setopt),
    FUNCTION(easy_getinfo),
    FUNCTION(easy_strerror),
    FUNCTION(multi_init),
    FUNCTION(multi_cleanup),
    FUNCTION(multi_setopt),
    FUNCTION(multi_add_handle),
    FUNCTION(multi_remove_handle),
    FUNCTION(multi_assign),
    FUNCTION(multi_socket_action),
    FUNCTION(multi_info_read),
    FUNCTION(share_init),
    FUNCTION(share_setopt),
    FUNCTION(share_cleanup),
    FUNCTION(slist_free_all),
    {0},
};

static weir_status load(weir_error *err)
{
    weir_status status = lazy_load("libcurl.so.4", "libcurl4", symbols, err);
    if (status != WEIR_OK)
        return status;
    CURLcode code = curl.global_init(CURL_GLOBAL_DEFAULT);
    if (code == CURLE_OK)
        return WEIR_OK;
    return error_set(err, WEIR_UNSUPPORTED, "libcurl cannot be set up: %s",
                     curl.easy_strerror(code));
}

weir_status curl_load(weir_error *err)
{
    static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
    static bool loaded; /* @locked */
    pthread_mutex_lock(&lock);
    weir_status status = loaded ? WEIR_OK : load(err);
    loaded = status == WEIR_OK;
    pthread_mutex_unlock(&lock);
    return status;
}
