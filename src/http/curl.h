/* http/curl.h - libcurl's functions, found when the first client is opened (docs/decisions/0001).
 * Only these are called; the headers' macros and prototypes name a library that is not linked. */
#ifndef HTTP_CURL_H
#define HTTP_CURL_H

#include <curl/curl.h>
#include <weir/error.h>

struct curl {
    CURLcode (*global_init)(long flags);
    CURL *(*easy_init)(void);
    void (*easy_cleanup)(CURL *easy);
    CURLcode (*easy_setopt)(CURL *easy, CURLoption option, ...);
    CURLcode (*easy_getinfo)(CURL *easy, CURLINFO info, ...);
    const char *(*easy_strerror)(CURLcode code);
    CURLM *(*multi_init)(void);
    CURLMcode (*multi_cleanup)(CURLM *multi);
    CURLMcode (*multi_setopt)(CURLM *multi, CURLMoption option, ...);
    CURLMcode (*multi_add_handle)(CURLM *multi, CURL *easy);
    CURLMcode (*multi_remove_handle)(CURLM *multi, CURL *easy);
    CURLMcode (*multi_assign)(CURLM *multi, curl_socket_t fd, void *ours);
    CURLMcode (*multi_socket_action)(CURLM *multi, curl_socket_t fd, int events, int *running);
    CURLMsg *(*multi_info_read)(CURLM *multi, int *left);
    CURLSH *(*share_init)(void);
    CURLSHcode (*share_setopt)(CURLSH *share, CURLSHoption option, ...);
    CURLSHcode (*share_cleanup)(CURLSH *share);
    void (*slist_free_all)(struct curl_slist *list);
};

extern struct curl curl; /* filled once curl_load() has returned WEIR_OK, constant from then on */

/* Any thread, cheap after the first time. WEIR_UNSUPPORTED names the package to install. */
weir_status curl_load(weir_error *err);
#endif
