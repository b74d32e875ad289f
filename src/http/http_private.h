/* http/http_private.h - the inside of the client, for the files of this folder only.
 *
 *   http_send()  any thread: request_new() checks and copies, the ask is put on the client's list
 *                and posted
 *   ask          @thread io: name -> easy handle -> multi handle -> answer or error -> done
 *   multi        @thread io: libcurl's sockets and timer on the loop */
#ifndef HTTP_HTTP_PRIVATE_H
#define HTTP_HTTP_PRIVATE_H

#include "http/answer.h"
#include "http/curl.h"
#include "http/http.h"
#include "io/resolve.h"
#include "io/timer.h"

#include <pthread.h>
#include <stdatomic.h>

/* ---- a request, checked and copied (request.c) ------------------------------------------- */

struct request { /* immutable, reference counted */
    atomic_int refs;
    char *method;
    char *url;   /* put together again from its parts, so that curl reads what we read; secret */
    char *shown; /* without userinfo and query */
    char *peer;  /* "host:port", for errors */
    bool tls;
    struct url parts;          /* `port` is filled */
    struct url proxy;          /* host NULL: none */
    char *proxy_user;          /* decoded; NULL: no credentials */
    char *proxy_password;      /* decoded; secret */
    struct curl_slist *header; /* our own nodes, wiped */
    void *body;                /* NULL: the request has none */
    size_t body_len;
    size_t max_answer;
    const char *larger; /* advice, or NULL */
    bool no_secret;
    bool held;
    struct deadline until;
};

/* `proxy` is the client's option. Reads the environment, so: on the caller's thread. */
struct request *request_new(const struct http_request *from, const char *proxy, weir_error *err);
struct request *request_ref(struct request *request);
void request_free(struct request *request);

/* ---- Retry-After (retry_after.c) --------------------------------------------------------- */

/* The milliseconds that a Retry-After asks for, 0 if that time is over; -1: it is neither a number
 * nor a date. `date` is the answer's Date, the better clock; NULL or unreadable: `wall_ns`. */
weir_ms answer_retry_after(const char *value, const char *date, int64_t wall_ns);

/* ---- failures (fail.c) ------------------------------------------------------------------- */

struct failure {
    CURLcode code;
    const char *words; /* libcurl's, of this very request */
    const char *peer;  /* "host:port" */
    const char *proxy; /* "host:port", or NULL */
    bool tls;
    long proxy_status; /* the proxy's answer to CONNECT; 0: none */
    long verified;     /* of the certificate; 0: fine */
    long os_errno;
};
weir_status fail_explain(weir_error *err, const struct failure *failure);

/* ---- whom to trust, and who we are (trust.c) --------------------------------------------- */

struct trust {                 /* all NULL: the system's trust store as libcurl finds it */
    char *roots, *key, *chain; /* PEM */
    char *file, *dir;          /* SSL_CERT_FILE, SSL_CERT_DIR */
};
weir_status trust_read(struct trust *out, const weir_tls_options *options, weir_error *err);
void trust_clear(struct trust *trust);

/* ---- cookies (cookies.c) ----------------------------------------------------------------- */

/* Appends "name=value" of those in `list` (libcurl's lines, Netscape's format) that go to `url`. */
void cookies_write(struct buf *out, const struct curl_slist *list, const struct url *url,
                   int64_t now_s);
weir_status cookies_open(struct http *http, weir_error *err);
void cookies_close(struct http *http);
/* So many headers have set one: beyond LIMIT_COOKIES all are forgotten. */
void cookies_came(struct http *http, unsigned headers);

/* ---- the client (http.c, multi.c) -------------------------------------------------------- */

/* What http_close() has to end. */
struct http_work {
    struct http_work *next, **from;
    void (*stop)(struct http_work *work, const weir_error *why); /* @thread io; calls `done` */
};

#define HTTP_SPARE 4

struct http {
    atomic_int refs;
    struct loop *loop;
    const char *part;
    long connections;
    char *proxy; /* the option's text; a secret, since it may hold a password */
    bool no_proxy;
    struct trust trust;
    CURLSH *share;        /* the cookies; NULL: none are kept */
    CURL *jar;            /* to look into it */
    unsigned set_cookies; /* headers since they were last counted; @thread io */

    pthread_mutex_t lock;
    struct http_work *works; /* @locked */

    /* @thread io from here on */
    CURLM *multi;            /* NULL: nothing was asked for a while */
    CURL *spare[HTTP_SPARE]; /* easy handles for the next requests */
    size_t spares;
    struct sock *socks;
    struct http_ask *running; /* in `multi` */
    struct timer turn;        /* libcurl's */
    struct timer idle;        /* closes kept-alive connections */
    weir_ms idle_after;       /* ... so long after the last request */
    unsigned busy;            /* frames that will look at this again */
    bool closed;
    int sick;               /* a socket cannot be watched: libuv's error number */
    char *known;            /* the name that was resolved last, "host:port:address,address" */
    int64_t known_until_ns; /* ... and how long that holds */
};

void http_enlist(struct http *http, struct http_work *work); /* any thread */
void http_unlist(struct http *http, struct http_work *work); /* @thread io */
const char *http_proxy(const struct http *http);             /* for request_new() */
void http_hold(struct http *http);                           /* @thread io: busy */
void http_unhold(struct http *http);                         /* ... may free it */
weir_status multi_open(struct http *http, weir_error *err);  /* fine when it is open */
void multi_close(struct http *http);                         /* no ask may be running */
/* Begins. May conclude any ask, this one too. */
void multi_start(struct http *http, struct http_ask *ask);
/* libcurl closes a socket; `user` is the client. */
int multi_closesocket(void *user, curl_socket_t fd);
/* Takes it out, breaking its connection off unless it is complete. */
void multi_remove(struct http *http, struct http_ask *ask);

/* ---- an ask (ask.c, easy.c) -------------------------------------------------------------- */

struct http_ask {
    struct loop_task task; /* first */
    struct http_work work;
    struct http *http;
    struct request *request;
    http_done_fn *done;
    void *user;
    struct timer deadline;
    struct resolve *resolving;
    struct curl_slist known; /* CURLOPT_RESOLVE's list of one */
    CURL *easy;              /* NULL: not in `multi` */
    struct http_ask *next, **from;
    struct incoming in;
    bool torn; /* libcurl was not allowed to send it once more */
    int64_t began_ns;
    struct loop *loop; /* referenced while it is to begin soon */
    bool answered;     /* its easy handle is as good as new */
    bool posted;       /* its task is in the loop's queue: that will free it */
    bool ended;
    bool left;                   /* the request may have reached the server */
    char words[CURL_ERROR_SIZE]; /* libcurl's */
};

/* As http_send(); takes over a reference of `request`. */
struct http_ask *ask_start(struct http *http, struct request *request, http_done_fn *done,
                           void *user, weir_error *err);
/* libcurl is done with it. */
void ask_finish(struct http_ask *ask, CURLcode code);
void ask_fail(struct http_ask *ask, const weir_error *why);
weir_status easy_make(struct http_ask *ask, weir_error *err);
/* ask->easy, which is in no multi handle any more: kept for another request, if this one was
 * answered, without anything of it. */
void easy_drop(struct http_ask *ask);
void easy_drop_spares(struct http *http);
long easy_number(CURL *easy, CURLINFO info);
/* "connecting": what an unfinished one is doing. */
const char *easy_phase(const struct http_ask *ask);
/* Whether any of the request has left. Before the handle is removed. */
bool easy_left(const struct http_ask *ask);
#endif
