/* Why there is no answer. libcurl says it with a number and, for this very request, with words; the
 * numbers are put in one table, and where a number is too coarse (everything that goes wrong in
 * TLS has one) the words decide. */
#include "core/error.h"
#include "http/http_private.h"

#include <stdio.h>
#include <string.h>

static const struct row {
    CURLcode code;
    weir_status status;
    const char *advice; /* or "" */
} rows[] = {
    {CURLE_UNSUPPORTED_PROTOCOL, WEIR_PROTOCOL, /* the scheme is checked before */
     "what answers there does not speak HTTP/1; is it a TLS port (https)?"},
    {CURLE_URL_MALFORMAT, WEIR_INVALID, ""},
    {CURLE_NOT_BUILT_IN, WEIR_UNSUPPORTED, "this libcurl cannot do it"},
    {CURLE_UNKNOWN_OPTION, WEIR_UNSUPPORTED, "this libcurl is too old"},
    {CURLE_COULDNT_RESOLVE_PROXY, WEIR_UNREACHABLE, "check the proxy's name"},
    {CURLE_COULDNT_RESOLVE_HOST, WEIR_UNREACHABLE, "check the host's name"},
    {CURLE_COULDNT_CONNECT, WEIR_UNREACHABLE, "is the address right, and does the service run?"},
    {CURLE_WEIRD_SERVER_REPLY, WEIR_PROTOCOL, "what answers there does not speak HTTP/1"},
    {CURLE_HTTP2, WEIR_PROTOCOL, ""},
    {CURLE_PARTIAL_FILE, WEIR_UNREACHABLE, "the connection was cut within the answer"},
    {CURLE_WRITE_ERROR, WEIR_PROTOCOL, ""},
    {CURLE_OUT_OF_MEMORY, WEIR_NO_MEMORY, ""},
    {CURLE_OPERATION_TIMEDOUT, WEIR_UNREACHABLE, ""}, /* of one connection; ours has no code */
    {CURLE_SSL_CONNECT_ERROR, WEIR_PROTOCOL, ""},
    {CURLE_ABORTED_BY_CALLBACK, WEIR_UNREACHABLE, ""},
    {CURLE_GOT_NOTHING, WEIR_UNREACHABLE, "the server closed the connection without an answer"},
    {CURLE_SEND_ERROR, WEIR_UNREACHABLE, ""},
    {CURLE_RECV_ERROR, WEIR_UNREACHABLE, ""},
    {CURLE_SSL_CERTPROBLEM, WEIR_INVALID, "the client certificate cannot be used"},
    {CURLE_SSL_CIPHER, WEIR_PROTOCOL, ""},
    {CURLE_PEER_FAILED_VERIFICATION, WEIR_UNTRUSTED,
     "give the CA that signed it, or the name it is for"},
    {CURLE_BAD_CONTENT_ENCODING, WEIR_PROTOCOL, "the answer's compression is broken"},
    {CURLE_SEND_FAIL_REWIND, WEIR_UNREACHABLE, ""},
    {CURLE_SSL_CACERT_BADFILE, WEIR_INVALID,
     "check SSL_CERT_FILE and the system's certificates (package ca-certificates)"},
    {CURLE_SSL_CRL_BADFILE, WEIR_INVALID, ""},
    {CURLE_SSL_ISSUER_ERROR, WEIR_UNTRUSTED, ""},
    {CURLE_SSL_PINNEDPUBKEYNOTMATCH, WEIR_UNTRUSTED, ""},
    {CURLE_SSL_INVALIDCERTSTATUS, WEIR_UNTRUSTED, ""},
    {CURLE_HTTP2_STREAM, WEIR_PROTOCOL, ""},
    {CURLE_PROXY, WEIR_UNREACHABLE, ""},
    {CURLE_SSL_CLIENTCERT, WEIR_UNTRUSTED,
     "it demands a client certificate: set a private key and a certificate chain"},
};

/* OpenSSL's words for what a handshake, or the first read after it, can end with. */
static const struct tls_row {
    const char *words;
    weir_status status;
    const char *advice;
} tls_rows[] = {
    {"wrong version number", WEIR_PROTOCOL, "it does not speak TLS; is this a plaintext port?"},
    {"http request", WEIR_PROTOCOL, "it does not speak TLS; is this a plaintext port?"},
    {"packet length too long", WEIR_PROTOCOL, "it does not speak TLS; is this a plaintext port?"},
    {"record overflow", WEIR_PROTOCOL, "it does not speak TLS; is this a plaintext port?"},
    {"unsupported protocol", WEIR_PROTOCOL, "it offers no TLS 1.2 or later"},
    {"alert protocol version", WEIR_PROTOCOL, "it offers no TLS 1.2 or later"},
    {"alert certificate required", WEIR_UNTRUSTED,
     "it demands a client certificate: set a private key and a certificate chain"},
    {"alert bad certificate", WEIR_UNTRUSTED, "it refuses our client certificate, or misses one"},
    {"alert unknown ca", WEIR_UNTRUSTED, "it does not know who signed our client certificate"},
    {"alert certificate expired", WEIR_UNTRUSTED, "it says our client certificate has expired"},
    {"alert certificate unknown", WEIR_UNTRUSTED, "it refuses our client certificate"},
    {"alert decrypt error", WEIR_UNTRUSTED, "it could not verify our signature"},
    {"alert handshake failure", WEIR_UNTRUSTED,
     "no common TLS settings, or it demands a client certificate"},
    {"SSL_ERROR_SYSCALL", WEIR_UNREACHABLE, "the connection was cut within the handshake"},
    {"onnection reset", WEIR_UNREACHABLE, "the connection was cut"},
    {"unexpected eof", WEIR_UNREACHABLE, "the connection was cut"},
};

static const struct row *row_of(CURLcode code)
{
    static const struct row other = {CURLE_OK, WEIR_PROTOCOL, ""};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        if (rows[i].code == code)
            return &rows[i];
    }
    return &other;
}

static bool in_tls(CURLcode code)
{
    return code == CURLE_SSL_CONNECT_ERROR || code == CURLE_SEND_ERROR || code == CURLE_RECV_ERROR;
}

static const struct tls_row *tls_row_of(const struct failure *f)
{
    for (size_t i = 0; in_tls(f->code) && i < sizeof tls_rows / sizeof *tls_rows; i++) {
        if (strstr(f->words, tls_rows[i].words))
            return &tls_rows[i];
    }
    return NULL;
}

/* What the proxy said to CONNECT; as io/stream.h takes it. */
static weir_status refused_by_proxy(weir_error *err, const struct failure *f)
{
    weir_status status = WEIR_UNREACHABLE;
    const char *advice = "it cannot or will not connect";
    if (f->proxy_status == 407) {
        status = WEIR_BAD_LOGIN;
        advice = "it wants a login: http://user:password@host:port";
    } else if (f->proxy_status == 403) {
        status = WEIR_FORBIDDEN;
        advice = "it does not allow this host";
    }
    return error_peer(err, status, WEIR_ORIGIN_HTTP, (int32_t)f->proxy_status,
                      "%s: the proxy %s answered %ld to CONNECT: %s", f->peer,
                      f->proxy ? f->proxy : "", f->proxy_status, advice);
}

/* libcurl wanted to send the request again, and was kept from it: its own words are about that. */
static bool kept_back(CURLcode code)
{
    return code == CURLE_SEND_FAIL_REWIND || code == CURLE_ABORTED_BY_CALLBACK;
}

static void set_origin(weir_error *err, const struct failure *f)
{
    if (!err)
        return;
    if (err->status == WEIR_UNTRUSTED) {
        err->origin = WEIR_ORIGIN_TLS;
        err->code = (int32_t)f->verified;
    } else if (f->os_errno) {
        err->origin = WEIR_ORIGIN_SYSTEM;
        err->code = (int32_t)f->os_errno;
    }
}

weir_status fail_explain(weir_error *err, const struct failure *f)
{
    if (f->proxy_status && f->proxy_status / 100 != 2)
        return refused_by_proxy(err, f);
    const struct row *row = row_of(f->code);
    const struct tls_row *tls = tls_row_of(f);
    const char *advice = tls ? tls->advice : row->advice;
    if (f->code == CURLE_GOT_NOTHING && !f->tls) /* OpenSSL's servers say nothing to plain HTTP */
        advice = "the server closed the connection without an answer; is it a TLS port (https)?";
    weir_status status = tls ? tls->status : row->status;
    const char *words = kept_back(f->code) ? "the connection was cut before the answer; whether "
                                             "the request took effect is unknown"
                                           : f->words;
    error_set(err, status, "%s%s%s: %s%s%s", f->peer, f->proxy ? " through the proxy " : "",
              f->proxy ? f->proxy : "", words, *advice ? "; " : "", advice);
    set_origin(err, f);
    return status;
}
