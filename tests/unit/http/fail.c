/* What libcurl's numbers and words mean. */
#include "lib/check.h"

#include "http/http_private.h"

#include <string.h>

static void told(struct failure f, weir_status status, const char *words)
{
    weir_error err = {0};
    f.peer = "login.example:443";
    assert_int_equal(fail_explain(NULL, &f), status);
    assert_int_equal(fail_explain(&err, &f), status);
    assert_int_equal(err.status, status);
    if (!strstr(err.message, words) || strncmp(err.message, "login.example:443", 17) != 0)
        fail_msg("%d: %s", (int)f.code, err.message);
}

static void every_code_has_its_meaning(void **state)
{
    (void)state;
    const struct {
        CURLcode code;
        weir_status status;
    } cases[] = {
        {CURLE_COULDNT_RESOLVE_HOST, WEIR_UNREACHABLE},
        {CURLE_COULDNT_CONNECT, WEIR_UNREACHABLE},
        {CURLE_OPERATION_TIMEDOUT, WEIR_UNREACHABLE},
        {CURLE_GOT_NOTHING, WEIR_UNREACHABLE},
        {CURLE_PARTIAL_FILE, WEIR_UNREACHABLE},
        {CURLE_RECV_ERROR, WEIR_UNREACHABLE},
        {CURLE_PEER_FAILED_VERIFICATION, WEIR_UNTRUSTED},
        {CURLE_SSL_CLIENTCERT, WEIR_UNTRUSTED},
        {CURLE_UNSUPPORTED_PROTOCOL, WEIR_PROTOCOL},
        {CURLE_WEIRD_SERVER_REPLY, WEIR_PROTOCOL},
        {CURLE_BAD_CONTENT_ENCODING, WEIR_PROTOCOL},
        {CURLE_SSL_CONNECT_ERROR, WEIR_PROTOCOL},
        {CURLE_OUT_OF_MEMORY, WEIR_NO_MEMORY},
        {CURLE_UNKNOWN_OPTION, WEIR_UNSUPPORTED},
        {CURLE_SSL_CACERT_BADFILE, WEIR_INVALID},
        {CURLE_TFTP_NOTFOUND, WEIR_PROTOCOL},
    };
    for (size_t i = 0; i < COUNT(cases); i++)
        told((struct failure){.code = cases[i].code, .words = "so it was"}, cases[i].status,
             ": so it was");
}

static void tls_has_one_number_and_the_words_decide(void **state)
{
    (void)state;
    static const char prefix[] = "error:0A00010B:SSL routines::";
    const struct {
        CURLcode code;
        const char *words;
        weir_status status;
        const char *advice;
    } cases[] = {
        {CURLE_SSL_CONNECT_ERROR, "wrong version number", WEIR_PROTOCOL, "plaintext port"},
        {CURLE_SSL_CONNECT_ERROR, "tlsv1 alert protocol version", WEIR_PROTOCOL, "TLS 1.2"},
        {CURLE_SSL_CONNECT_ERROR, "unsupported protocol", WEIR_PROTOCOL, "TLS 1.2"},
        {CURLE_RECV_ERROR, "tlsv13 alert certificate required", WEIR_UNTRUSTED, "demands"},
        {CURLE_RECV_ERROR, "sslv3 alert bad certificate", WEIR_UNTRUSTED, "client certificate"},
        {CURLE_SSL_CONNECT_ERROR, "tlsv1 alert unknown ca", WEIR_UNTRUSTED, "who signed"},
        {CURLE_SSL_CONNECT_ERROR, "SSL_ERROR_SYSCALL", WEIR_UNREACHABLE, "cut"},
        {CURLE_SEND_ERROR, "Connection reset by peer", WEIR_UNREACHABLE, "cut"},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        char words[128] = "";
        strncat(words, prefix, sizeof words - 1);
        strncat(words, cases[i].words, sizeof words - strlen(words) - 1);
        told((struct failure){.code = cases[i].code, .words = words}, cases[i].status,
             cases[i].advice);
    }
    told((struct failure){.code = CURLE_COULDNT_CONNECT, .words = "unsupported protocol"},
         WEIR_UNREACHABLE, "service run");
}

static void what_was_not_sent_again_was_cut(void **state)
{
    (void)state;
    told(
        (struct failure){.code = CURLE_SEND_FAIL_REWIND, .words = "seek callback returned error 1"},
        WEIR_UNREACHABLE, "443: the connection was cut before the answer");
    told((struct failure){.code = CURLE_ABORTED_BY_CALLBACK, .words = "operation aborted"},
         WEIR_UNREACHABLE, "443: the connection was cut before the answer");
}

static void what_a_proxy_says_is_the_proxys(void **state)
{
    (void)state;
    struct failure f = {.code = CURLE_RECV_ERROR,
                        .words = "CONNECT tunnel failed, response 407",
                        .proxy = "proxy.example:3128",
                        .proxy_status = 407};
    told(f, WEIR_BAD_LOGIN, "the proxy proxy.example:3128 answered 407");
    f.proxy_status = 403;
    told(f, WEIR_FORBIDDEN, "does not allow");
    f.proxy_status = 502;
    told(f, WEIR_UNREACHABLE, "answered 502");
    f.proxy_status = 200;
    told(f, WEIR_UNREACHABLE, "through the proxy proxy.example:3128: CONNECT");
}

static void numbers_of_the_peer_are_kept(void **state)
{
    (void)state;
    weir_error err = {0};
    struct failure f = {.code = CURLE_COULDNT_CONNECT, .words = "", .peer = "", .os_errno = 111};
    fail_explain(&err, &f);
    assert_int_equal(err.origin, WEIR_ORIGIN_SYSTEM);
    assert_int_equal(err.code, 111);
    f = (struct failure){
        .code = CURLE_PEER_FAILED_VERIFICATION, .words = "", .peer = "", .verified = 10};
    fail_explain(&err, &f);
    assert_int_equal(err.origin, WEIR_ORIGIN_TLS);
    assert_int_equal(err.code, 10);
    assert_int_equal(err.retry_in_ms, -1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_code_has_its_meaning),
        cmocka_unit_test(tls_has_one_number_and_the_words_decide),
        cmocka_unit_test(what_was_not_sent_again_was_cut),
        cmocka_unit_test(what_a_proxy_says_is_the_proxys),
        cmocka_unit_test(numbers_of_the_peer_are_kept),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
