/* One request as libcurl's easy handle: what is set, and what is asked of it afterwards.
 *
 * Every option is checked: an older libcurl that does not know one must not leave it out in
 * silence. The body is handed over by a read callback that cannot be rewound, so that libcurl,
 * which sends a request again when a kept connection turns out to be dead, does that only while no
 * byte of the body has left: a POST must not be repeated behind our back (RFC 9110, 9.2.2). */
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

static size_t on_read(char *out, size_t size, size_t count, void *user)
{
    struct http_ask *ask = user;
    size_t len = ask->request->body_len - ask->given;
    if (len > size * count)
        len = size * count;
    memcpy(out, (const char *)ask->request->body + ask->given, len);
    ask->given += len;
    return len;
}

static int on_seek(void *user, curl_off_t offset, int origin)
{
    const struct http_ask *ask = user;
    return offset == 0 && origin == SEEK_SET && ask->given == 0 ? CURL_SEEKFUNC_OK
                                                                : CURL_SEEKFUNC_FAIL;
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
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++)
        number(s, numbers[i].option, numbers[i].value);
    check(s, curl.easy_setopt(s->easy, ONLY_HTTP));
    text(s, CURLOPT_ACCEPT_ENCODING, "gzip, deflate");
    check(s, curl.easy_setopt(s->easy, CURLOPT_SOCKOPTFUNCTION, on_socket));
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

static void set_body(struct setter *s, struct http_ask *ask)
{
    check(s, curl.easy_setopt(s->easy, CURLOPT_READFUNCTION, on_read));
    check(s, curl.easy_setopt(s->easy, CURLOPT_SEEKFUNCTION, on_seek));
    pointer(s, CURLOPT_READDATA, ask);
    pointer(s, CURLOPT_SEEKDATA, ask);
}

static void set_request(struct setter *s, struct http_ask *ask)
{
    const struct request *r = ask->request;
    char agent[64];
    (void)snprintf(agent, sizeof agent, "weir/%s", weir_version());
    text(s, CURLOPT_USERAGENT, agent);
    text(s, CURLOPT_URL, r->url);
    pointer(s, CURLOPT_HTTPHEADER, r->header);
    if (strcmp(r->method, "HEAD") == 0)
        number(s, CURLOPT_NOBODY, 1);
    else if (sends_body(r))
        number(s, CURLOPT_POST, 1);
    text(s, CURLOPT_CUSTOMREQUEST, r->method);
    if (sends_body(r) && r->body_len == 0) /* nothing to hold back: a fresh connection instead */
        number(s, CURLOPT_FRESH_CONNECT, 1);
    check(s, curl.easy_setopt(s->easy, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)r->body_len));
    if (r->held) { /* may be repeated, and leaves with its header in one piece */
        pointer(s, CURLOPT_POSTFIELDS, r->body);
        number(s, CURLOPT_BUFFERSIZE, READ_SIZE);
    } else {
        set_body(s, ask);
    }
}

static void set_answer(struct setter *s, struct http_ask *ask)
{
    check(s, curl.easy_setopt(s->easy, CURLOPT_HEADERFUNCTION, on_header));
    check(s, curl.easy_setopt(s->easy, CURLOPT_WRITEFUNCTION, on_body));
    pointer(s, CURLOPT_HEADERDATA, ask);
    pointer(s, CURLOPT_WRITEDATA, ask);
    pointer(s, CURLOPT_ERRORBUFFER, ask->words);
    pointer(s, CURLOPT_PRIVATE, ask);
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

weir_status easy_make(struct http_ask *ask, weir_error *err)
{
    struct setter s = {.easy = curl.easy_init()};
    if (!s.easy)
        return error_no_memory(err);
    set_manners(&s);
    set_request(&s, ask);
    set_answer(&s, ask);
    set_route(&s, ask);
    check(&s, curl.easy_setopt(s.easy, CURLOPT_CLOSESOCKETFUNCTION, multi_closesocket));
    pointer(&s, CURLOPT_CLOSESOCKETDATA, ask->http);
    if (ask->http->share) {
        pointer(&s, CURLOPT_SHARE, ask->http->share);
        text(&s, CURLOPT_COOKIEFILE, ""); /* no file: sharing alone does not make it use them */
    }
    if (ask->request->tls)
        set_trust(&s, &ask->http->trust);
    if (s.code == CURLE_OK) {
        ask->easy = s.easy;
        return WEIR_OK;
    }
    curl.easy_cleanup(s.easy);
    struct failure f = {
        .code = s.code, .words = curl.easy_strerror(s.code), .peer = ask->request->peer};
    return fail_explain(err, &f);
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
    if (ask->request->body_len > 0 && !ask->request->held)
        return ask->given > 0;
    return passed(ask->easy, CURLINFO_PRETRANSFER_TIME_T);
}
