/* One request as libcurl's easy handle: what is set, and what is asked of it afterwards.
 *
 * Every option is checked: an older libcurl that does not know one must not leave it out in
 * silence. A handle is used again for another request of the same client: then only what differs is
 * set. When a kept connection turns out to be dead libcurl sends a request again; with a body it is
 * allowed to only while no byte has left, because a POST must not be repeated behind our back (RFC
 * 9110, 9.2.2; decision 11). */
#include "core/error.h"
#include "core/mem.h"
#include "http/http_private.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <string.h>

#define CONNECT_MS 30000L /* one connection attempt: then another is better */
#define READ_SIZE  65536L /* at a time, of answers that may hold a lot */

#if LIBCURL_VERSION_NUM >= 0x075500
#define ONLY_HTTP CURLOPT_PROTOCOLS_STR, "http,https"
#else
#define ONLY_HTTP CURLOPT_PROTOCOLS, (long)(CURLPROTO_HTTP | CURLPROTO_HTTPS)
#endif

struct setter {
    CURL *easy;
    CURLcode code; /* the first that failed */
};

static void check(struct setter *s, CURLcode code)
{
    if (s->code == CURLE_OK)
        s->code = code;
}

static void number(struct setter *s, CURLoption option, long value)
{
    check(s, curl.easy_setopt(s->easy, option, value));
}

static void text(struct setter *s, CURLoption option, const char *value)
{
    check(s, curl.easy_setopt(s->easy, option, value));
}

static void pointer(struct setter *s, CURLoption option, void *value)
{
    check(s, curl.easy_setopt(s->easy, option, value));
}

/* ---- what libcurl calls ------------------------------------------------------------------ */

static size_t on_header(char *line, size_t size, size_t count, void *user)
{
    struct http_ask *ask = user;
    return answer_head(&ask->in, line, size * count);
}

static size_t on_body(char *data, size_t size, size_t count, void *user)
{
    struct http_ask *ask = user;
    return answer_body(&ask->in, data, size * count);
}

static bool sends_body(const struct request *r)
{
    static const char *const methods[] = {"POST", "PUT", "PATCH"};
    for (size_t i = 0; i < sizeof methods / sizeof *methods; i++) {
        if (strcmp(r->method, methods[i]) == 0)
            return true; /* an empty one has Content-Length: 0 */
    }
    return r->body != NULL;
}

/* Called before a request is sent, and again if libcurl wants to repeat it on another connection. A
 * long poll is not repeated either: the answer that was lost may have held something, and who asked
 * must know. */
static int on_request(void *user, char *ip, char *local_ip, int port, int local_port)
{
    struct http_ask *ask = user;
    (void)ip;
    (void)local_ip;
    (void)port;
    (void)local_port;
    ask->torn = sends_body(ask->request) && easy_number(ask->easy, CURLINFO_REQUEST_SIZE) > 0;
    return ask->torn ? CURL_PREREQFUNC_ABORT : CURL_PREREQFUNC_OK;
}

/* Of a peer that is gone without a word a connection ends within 40 s, also while its answer is
 * being waited for: probes once it has been quiet for 20 s, and a limit for what is under way. */
static const struct {
    int option, value;
} liveness[] = {
    {TCP_KEEPCNT, 4},
#ifdef TCP_USER_TIMEOUT
    {TCP_USER_TIMEOUT, 40000},
#endif
};

/* Where the system does not know one, its own limits hold. */
static int on_socket(void *user, curl_socket_t fd, curlsocktype purpose)
{
    (void)user;
    (void)purpose;
    for (size_t i = 0; i < sizeof liveness / sizeof *liveness; i++)
        (void)setsockopt(fd, IPPROTO_TCP, liveness[i].option, &liveness[i].value,
                         sizeof liveness[i].value);
    return CURL_SOCKOPT_OK;
}

/* ---- what is set ------------------------------------------------------------------------- */

static void set_manners(struct setter *s)
{
    static const struct {
        CURLoption option;
        long value;
    } numbers[] = {
        {CURLOPT_NOSIGNAL, 1},
        {CURLOPT_FOLLOWLOCATION, 0},
        {CURLOPT_HTTP_VERSION, CURL_HTTP_VERSION_1_1},
        {CURLOPT_CONNECTTIMEOUT_MS, CONNECT_MS},
        {CURLOPT_SUPPRESS_CONNECT_HEADERS, 1},
        {CURLOPT_SSLVERSION, CURL_SSLVERSION_TLSv1_2},
        {CURLOPT_SSL_VERIFYPEER, 1},
        {CURLOPT_SSL_VERIFYHOST, 2},
        {CURLOPT_NETRC, CURL_NETRC_IGNORED},
        {CURLOPT_TCP_KEEPALIVE, 1},
        {CURLOPT_TCP_KEEPIDLE, 20},
        {CURLOPT_TCP_KEEPINTVL, 5},
    };
    char agent[64];
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++)
        number(s, numbers[i].option, numbers[i].value);
    check(s, curl.easy_setopt(s->easy, ONLY_HTTP));
    text(s, CURLOPT_ACCEPT_ENCODING, "gzip, deflate");
    (void)snprintf(agent, sizeof agent, "weir/%s", weir_version());
    text(s, CURLOPT_USERAGENT, agent);
}

static void set_request(struct setter *s, struct http_ask *ask)
{
    const struct request *r = ask->request;
    text(s, CURLOPT_URL, r->url);
    pointer(s, CURLOPT_HTTPHEADER, r->header);
    if (strcmp(r->method, "HEAD") == 0)
        number(s, CURLOPT_NOBODY, 1);
    else if (sends_body(r))
        number(s, CURLOPT_POST, 1);
    text(s, CURLOPT_CUSTOMREQUEST, r->method);
    if (sends_body(r)) {
        check(s, curl.easy_setopt(s->easy, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)r->body_len));
        text(s, CURLOPT_POSTFIELDS, r->body ? r->body : "");
    }
    if (r->no_secret)
        number(s, CURLOPT_BUFFERSIZE, READ_SIZE);
    pointer(s, CURLOPT_PREREQDATA, ask);
    pointer(s, CURLOPT_HEADERDATA, ask);
    pointer(s, CURLOPT_WRITEDATA, ask);
    pointer(s, CURLOPT_ERRORBUFFER, ask->words);
    pointer(s, CURLOPT_PRIVATE, ask);
}

static void set_callbacks(struct setter *s)
{
    check(s, curl.easy_setopt(s->easy, CURLOPT_PREREQFUNCTION, on_request));
    check(s, curl.easy_setopt(s->easy, CURLOPT_HEADERFUNCTION, on_header));
    check(s, curl.easy_setopt(s->easy, CURLOPT_WRITEFUNCTION, on_body));
    check(s, curl.easy_setopt(s->easy, CURLOPT_SOCKOPTFUNCTION, on_socket));
}

/* An empty text for CURLOPT_PROXY keeps libcurl from reading the environment itself. */
static void set_route(struct setter *s, struct http_ask *ask)
{
    const struct request *r = ask->request;
    char proxy[320] = "";
    if (r->proxy.host)
        (void)snprintf(proxy, sizeof proxy, r->proxy.ipv6 ? "http://[%s]:%u" : "http://%s:%u",
                       r->proxy.host, r->proxy.port);
    text(s, CURLOPT_PROXY, proxy);
    text(s, CURLOPT_NOPROXY, "");
    if (r->proxy_user) {
        number(s, CURLOPT_PROXYAUTH, (long)CURLAUTH_BASIC);
        text(s, CURLOPT_PROXYUSERNAME, r->proxy_user);
        text(s, CURLOPT_PROXYPASSWORD, r->proxy_password);
    }
    if (ask->known.data)
        pointer(s, CURLOPT_RESOLVE, &ask->known);
}

static void blob(struct setter *s, CURLoption option, char *pem)
{
    struct curl_blob bytes = {.data = pem, .len = strlen(pem), .flags = CURL_BLOB_NOCOPY};
    pointer(s, option, &bytes);
}

static void set_trust(struct setter *s, const struct trust *t)
{
    if (t->roots) { /* and nobody else */
        blob(s, CURLOPT_CAINFO_BLOB, t->roots);
        text(s, CURLOPT_CAINFO, NULL);
        text(s, CURLOPT_CAPATH, NULL);
    }
    if (t->file)
        text(s, CURLOPT_CAINFO, t->file);
    if (t->dir)
        text(s, CURLOPT_CAPATH, t->dir);
    if (t->key) {
        blob(s, CURLOPT_SSLCERT_BLOB, t->chain);
        blob(s, CURLOPT_SSLKEY_BLOB, t->key);
    }
}

/* What is the same for all requests of a client. */
static CURL *make(struct setter *s, struct http *http)
{
    s->easy = curl.easy_init();
    if (!s->easy) {
        s->code = CURLE_OUT_OF_MEMORY;
        return NULL;
    }
    set_manners(s);
    set_callbacks(s);
    set_trust(s, &http->trust);
    check(s, curl.easy_setopt(s->easy, CURLOPT_CLOSESOCKETFUNCTION, multi_closesocket));
    pointer(s, CURLOPT_CLOSESOCKETDATA, http);
    if (http->share) {
        pointer(s, CURLOPT_SHARE, http->share);
        text(s, CURLOPT_COOKIEFILE, ""); /* no file: sharing alone does not make it use them */
    }
    return s->easy;
}

weir_status easy_make(struct http_ask *ask, weir_error *err)
{
    struct http *http = ask->http;
    struct setter s = {.easy = http->spares ? http->spare[--http->spares] : NULL};
    if (s.easy || make(&s, http)) {
        set_request(&s, ask);
        set_route(&s, ask);
    }
    if (s.code == CURLE_OK) {
        ask->easy = s.easy;
        return WEIR_OK;
    }
    if (s.easy)
        curl.easy_cleanup(s.easy);
    struct failure f = {
        .code = s.code, .words = curl.easy_strerror(s.code), .peer = ask->request->peer};
    return fail_explain(err, &f);
}

/* Nothing of the request is left in it: no secret, and no pointer to what will be freed. */
static bool clean(CURL *easy, const struct request *r)
{
    struct setter s = {.easy = easy};
    text(&s, CURLOPT_POSTFIELDS, NULL); /* which makes it a POST */
    number(&s, CURLOPT_HTTPGET, 1);     /* and takes NOBODY and POST back */
    text(&s, CURLOPT_URL, NULL);
    pointer(&s, CURLOPT_HTTPHEADER, NULL);
    pointer(&s, CURLOPT_ERRORBUFFER, NULL);
    pointer(&s, CURLOPT_RESOLVE, NULL);
    if (r->proxy_user) {
        text(&s, CURLOPT_PROXYUSERNAME, NULL);
        text(&s, CURLOPT_PROXYPASSWORD, NULL);
    }
    return s.code == CURLE_OK;
}

void easy_drop(struct http_ask *ask)
{
    struct http *http = ask->http;
    if (ask->answered && http->spares < HTTP_SPARE && clean(ask->easy, ask->request))
        http->spare[http->spares++] = ask->easy;
    else
        curl.easy_cleanup(ask->easy);
    ask->easy = NULL;
}

void easy_drop_spares(struct http *http)
{
    while (http->spares)
        curl.easy_cleanup(http->spare[--http->spares]);
}

/* ---- what is asked of it ----------------------------------------------------------------- */

long easy_number(CURL *easy, CURLINFO info)
{
    long value = 0;
    return curl.easy_getinfo(easy, info, &value) == CURLE_OK ? value : 0;
}

static bool passed(CURL *easy, CURLINFO info)
{
    curl_off_t us = 0;
    return curl.easy_getinfo(easy, info, &us) == CURLE_OK && us > 0;
}

/* A used handle tells of its last request until libcurl begins with the next. */
static bool waits(const struct http_ask *ask)
{
    return ask->in.head_bytes == 0 && easy_number(ask->easy, CURLINFO_RESPONSE_CODE) != 0;
}

/* The latest thing that has happened: a kept connection skips the early ones. */
const char *easy_phase(const struct http_ask *ask)
{
    CURL *easy = ask->easy;
    if (ask->resolving)
        return "its name is not resolved yet";
    if (!easy)
        return "it was over before it began";
    if (ask->in.head_bytes > 0) /* libcurl's own time is set when a body is sent, too */
        return "the answer is not complete";
    if (waits(ask))
        return "all connections to it are in use";
    if (passed(easy, CURLINFO_PRETRANSFER_TIME_T))
        return "connected, but the server does not answer";
    if (easy_number(easy, CURLINFO_LOCAL_PORT) > 0) /* its connect time includes TLS, or not */
        return ask->request->tls ? "connected, but TLS is not set up yet" : "connected just now";
    if (passed(easy, CURLINFO_NAMELOOKUP_TIME_T))
        return "not connected yet";
    return "all connections to it are in use";
}

bool easy_left(const struct http_ask *ask)
{
    if (!ask->easy)
        return false;
    if (sends_body(ask->request))
        return !waits(ask) && easy_number(ask->easy, CURLINFO_REQUEST_SIZE) > 0;
    return !waits(ask) && passed(ask->easy, CURLINFO_PRETRANSFER_TIME_T);
}
