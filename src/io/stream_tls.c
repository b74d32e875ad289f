/* TLS on a stream, over memory BIOs: libuv owns the socket, OpenSSL sees bytes. SIGPIPE cannot come
 * from here, because OpenSSL never writes to a descriptor. */
#include "io/stream_private.h"

#include "core/error.h"
#include "core/options.h"

#include <openssl/err.h>
#include <openssl/x509v3.h>
#include <string.h>

/* What a failed handshake means to the person who has to mend it. */
static const struct reason {
    int reason; /* of OpenSSL's SSL library */
    weir_status status;
    const char *meaning;
} reasons[] = {
    {SSL_R_WRONG_VERSION_NUMBER, WEIR_PROTOCOL,
     "the peer does not speak TLS; is this a plaintext port?"},
    {SSL_R_HTTP_REQUEST, WEIR_PROTOCOL, "the peer does not speak TLS; is this a plaintext port?"},
    {SSL_R_PACKET_LENGTH_TOO_LONG, WEIR_PROTOCOL,
     "the peer does not speak TLS; is this a plaintext port?"},
    {SSL_R_UNSUPPORTED_PROTOCOL, WEIR_PROTOCOL, "the peer offers no TLS 1.2 or later"},
    {SSL_R_TLSV1_ALERT_PROTOCOL_VERSION, WEIR_PROTOCOL, "the peer offers no TLS 1.2 or later"},
    {SSL_R_TLSV13_ALERT_CERTIFICATE_REQUIRED, WEIR_UNTRUSTED,
     "the peer demands a client certificate: set a private key and a certificate chain"},
    {SSL_R_SSLV3_ALERT_BAD_CERTIFICATE, WEIR_UNTRUSTED,
     "the peer refuses our client certificate (bad certificate), or misses one"},
    {SSL_R_TLSV1_ALERT_UNKNOWN_CA, WEIR_UNTRUSTED,
     "the peer does not know who signed our client certificate"},
    {SSL_R_SSLV3_ALERT_CERTIFICATE_EXPIRED, WEIR_UNTRUSTED,
     "the peer says our client certificate has expired"},
    {SSL_R_SSLV3_ALERT_CERTIFICATE_UNKNOWN, WEIR_UNTRUSTED,
     "the peer refuses our client certificate"},
    {SSL_R_TLSV1_ALERT_DECRYPT_ERROR, WEIR_UNTRUSTED, "the peer could not verify our signature"},
    {SSL_R_TLSV1_ALERT_NO_RENEGOTIATION, WEIR_PROTOCOL, "the peer wants to renegotiate"},
    {SSL_R_SSLV3_ALERT_HANDSHAKE_FAILURE, WEIR_UNTRUSTED,
     "no common TLS settings, or the peer demands a client certificate"},
};

static void explain_alert(struct stream *s)
{
    unsigned long code = ERR_peek_error();
    int reason = ERR_GET_REASON(code);
    for (size_t i = 0; i < sizeof reasons / sizeof *reasons; i++) {
        if (reasons[i].reason == reason) {
            error_peer(&s->why, reasons[i].status, WEIR_ORIGIN_TLS, reason, "TLS with %s: %s",
                       s->peer, reasons[i].meaning);
            return;
        }
    }
    const char *words = ERR_reason_error_string(code);
    error_peer(&s->why, WEIR_PROTOCOL, WEIR_ORIGIN_TLS, reason, "TLS with %s: %s", s->peer,
               words ? words : "the peer broke the protocol");
}

static void explain(struct stream *s)
{
    long verified = s->server ? X509_V_OK : SSL_get_verify_result(s->ssl);
    if (verified != X509_V_OK)
        error_peer(&s->why, WEIR_UNTRUSTED, WEIR_ORIGIN_TLS, (int32_t)verified,
                   "TLS with %s: its certificate is not trusted for '%s': %s; give the CA that "
                   "signed it, or the name it is for",
                   s->peer, s->server_name ? s->server_name : "?",
                   X509_verify_cert_error_string(verified));
    else
        explain_alert(s);
    ERR_clear_error();
}

/* Sends what OpenSSL wants sent. */
static void flush(struct stream *s)
{
    char *data;
    BIO *out = SSL_get_wbio(s->ssl);
    long len = BIO_get_mem_data(out, &data);
    if (len > 0) {
        stream_send_raw(s, data, (size_t)len);
        (void)BIO_reset(out);
    }
}

static void fail(struct stream *s)
{
    explain(s);
    flush(s); /* the alert that tells the peer */
    stream_end(s);
}

static bool has_h2(const struct stream *s)
{
    const unsigned char *name;
    unsigned len;
    SSL_get0_alpn_selected(s->ssl, &name, &len);
    return len == 2 && memcmp(name, "h2", 2) == 0;
}

static void shake(struct stream *s)
{
    ERR_clear_error();
    int done = SSL_do_handshake(s->ssl);
    if (done != 1 && SSL_get_error(s->ssl, done) != SSL_ERROR_WANT_READ) {
        fail(s);
        return;
    }
    flush(s);
    if (done != 1)
        return;
    if (s->tls->h2 && !has_h2(s)) {
        error_peer(&s->why, WEIR_PROTOCOL, WEIR_ORIGIN_TLS, 0,
                   "TLS with %s: the peer does not agree to HTTP/2 (ALPN h2, RFC 9113, 3.2); is "
                   "this a gRPC port?",
                   s->peer);
        stream_end(s);
        return;
    }
    stream_opened(s);
}

/* A numeric address is verified as one and sends no SNI (RFC 6066, 3). */
static bool expect_name(struct stream *s)
{
    struct address numeric;
    if (!options_text(s->server_name))
        return false;
    if (address_parse(s->server_name, 0, &numeric))
        return X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(s->ssl), s->server_name) == 1;
    return SSL_set_tlsext_host_name(s->ssl, s->server_name) == 1 &&
           SSL_set1_host(s->ssl, s->server_name) == 1;
}

weir_status stream_tls_start(struct stream *s)
{
    BIO *in = BIO_new(BIO_s_mem());
    BIO *out = BIO_new(BIO_s_mem());
    s->ssl = SSL_new(s->tls->ctx);
    if (!in || !out || !s->ssl) {
        BIO_free(in);
        BIO_free(out);
        return error_no_memory(&s->why);
    }
    BIO_set_mem_eof_return(in, -1);
    SSL_set_bio(s->ssl, in, out);
    if (s->server) {
        SSL_set_accept_state(s->ssl);
        return WEIR_OK;
    }
    SSL_set_connect_state(s->ssl);
    if (!expect_name(s))
        return error_set(&s->why, WEIR_INVALID,
                         "TLS with %s: '%s' is no name that a certificate could be for", s->peer,
                         s->server_name ? s->server_name : "");
    shake(s);
    return WEIR_OK;
}

/* Hands on what can be read until there is no more, or the stream ends, is closed or paused. */
static void deliver(struct stream *s)
{
    while (!s->closing && !s->paused && s->state == STREAM_OPEN) {
        ERR_clear_error();
        int got = SSL_read(s->ssl, s->loop->plain_buffer, sizeof s->loop->plain_buffer);
        if (got > 0) {
            stream_receive_plain(s, (const uint8_t *)s->loop->plain_buffer, (size_t)got);
            continue;
        }
        int why = SSL_get_error(s->ssl, got);
        if (why == SSL_ERROR_WANT_READ)
            return;
        if (why != SSL_ERROR_ZERO_RETURN)
            explain(s);
        flush(s);
        stream_end(s);
    }
}

void stream_tls_more(struct stream *s)
{
    deliver(s);
    if (!s->closing && s->state == STREAM_OPEN)
        flush(s); /* key updates */
}

bool stream_tls_pending(const struct stream *s)
{
    return SSL_has_pending(s->ssl) || BIO_pending(SSL_get_rbio(s->ssl)) > 0;
}

void stream_tls_data(struct stream *s, const uint8_t *data, size_t len)
{
    if (BIO_write(SSL_get_rbio(s->ssl), data, (int)len) != (int)len) {
        error_no_memory(&s->why);
        stream_end(s);
        return;
    }
    if (s->state == STREAM_SHAKING)
        shake(s);
    if (s->state == STREAM_OPEN && !s->closing)
        stream_tls_more(s);
}

void stream_tls_write(struct stream *s, const void *data, size_t len)
{
    const char *at = data;
    while (len > 0) {
        ERR_clear_error();
        int put = SSL_write(s->ssl, at, len > INT32_MAX ? INT32_MAX : (int)len);
        if (put <= 0) {
            explain(s);
            stream_fail_later(s);
            break;
        }
        at += put;
        len -= (size_t)put;
    }
    flush(s);
}

void stream_tls_close_notify(struct stream *s)
{
    SSL_shutdown(s->ssl);
    ERR_clear_error();
    flush(s);
}
