/* Names of platform events, and what REST answers. */
#include "salesforce/publish.h"
#include "lib/check.h"

#include <string.h>

static void names_are_those_of_platform_events(void **state)
{
    (void)state;
    static const struct {
        const char *name, *plain; /* NULL: none */
    } rows[] = {
        {"Order__e", "Order__e"},
        {"/event/Order__e", "Order__e"},
        {"ns__Order__e", "ns__Order__e"},
        {"", NULL},
        {"/event/", NULL},
        {"/topic/T", NULL},
        {"/data/ChangeEvents", NULL},
        {"Order e", NULL},
        {"../Account", NULL},
        {"Order__e?x=1", NULL},
        {"Order__e\n", NULL},
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        const char *plain = NULL;
        weir_error err = {0};
        weir_status status = publish_name(rows[i].name, &plain, &err);
        assert_int_equal(status, rows[i].plain ? WEIR_OK : WEIR_INVALID);
        if (rows[i].plain)
            assert_string_equal(plain, rows[i].plain);
        else
            assert_non_null(strstr(err.message, "Order__e"));
    }
}

static void refusals_are_in_salesforces_own_words(void **state)
{
    (void)state;
    static const struct {
        int http;
        const char *body;
        weir_status status;
        bool may_repeat;
        const char *says;
    } rows[] = {
        {404,
         "[{\"errorCode\":\"NOT_FOUND\",\"message\":\"The requested resource does not exist\"}]",
         WEIR_NOT_FOUND, false, "NOT_FOUND: The requested resource does not exist"},
        {401, "[{\"message\":\"Session expired or invalid\",\"errorCode\":\"INVALID_SESSION_ID\"}]",
         WEIR_BAD_LOGIN, false, "INVALID_SESSION_ID"},
        {403,
         "[{\"message\":\"TotalRequests Limit "
         "exceeded.\",\"errorCode\":\"REQUEST_LIMIT_EXCEEDED\"}]",
         WEIR_BUSY, false, "TotalRequests Limit exceeded."},
        {403,
         "[{\"errorCode\":\"API_DISABLED_FOR_ORG\",\"message\":\"API is not enabled for this "
         "Organization or Partner\"}]",
         WEIR_FORBIDDEN, false, "no API access"},
        {400,
         "[{\"message\":\"No such column 'Colour__c' on sobject of type "
         "Order__e\",\"errorCode\":\"INVALID_FIELD\"}]",
         WEIR_INVALID, false, "INVALID_FIELD: No such column 'Colour__c'"},
        {400,
         "[{\"message\":\"Required fields are missing: [N__c]\",\"errorCode\":\"REQUIRED_FIELD_"
         "MISSING\",\"fields\":[\"N__c\"]}]",
         WEIR_INVALID, false, "REQUIRED_FIELD_MISSING"},
        {503, "[{\"errorCode\":\"SERVER_UNAVAILABLE\",\"message\":\"busy\"}]", WEIR_UNREACHABLE,
         true, "SERVER_UNAVAILABLE"},
        {503, "<html>maintenance</html>", WEIR_UNREACHABLE, true, "503"},
        {502, "<html>", WEIR_UNREACHABLE, false, "502"},
        {429, "", WEIR_BUSY, true, "429"},
        {500, "[]", WEIR_REFUSED, false, "500"},
        {400, "{\"errorCode\":\"NOT_FOUND\"}", WEIR_INVALID, false, "400"},
        {400, "[{\"errorCode\":7}]", WEIR_INVALID, false, "400"},
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        weir_error err = {0};
        const struct http_answer answer = {
            .status = rows[i].http,
            .body = {rows[i].body, strlen(rows[i].body)},
            .retry_after = -1,
            .content_type = "",
        };
        publish_refusal(&answer, "publishing 'Order__e'", &err);
        if (err.status != rows[i].status || !strstr(err.message, rows[i].says))
            print_error("row %zu: %s: %s\n", i, weir_status_name(err.status), err.message);
        assert_int_equal(err.status, rows[i].status);
        assert_int_equal(err.retry_in_ms >= 0, rows[i].may_repeat);
        assert_non_null(strstr(err.message, rows[i].says));
        assert_int_equal(strncmp(err.message, "publishing 'Order__e': ", 23), 0);
        assert_int_equal(err.code, rows[i].http);
    }
}

static void a_created_event_may_still_be_a_failure(void **state)
{
    (void)state;
    static const struct {
        const char *body;
        weir_status status;
        const char *says; /* NULL: nothing */
    } rows[] = {
        {"{\"id\":\"e01xx\",\"success\":true,\"errors\":[{\"statusCode\":\"OPERATION_ENQUEUED\","
         "\"message\":\"248de9dc\",\"fields\":[]}]}",
         WEIR_OK, NULL},
        {"{\"id\":\"e01xx\",\"success\":true,\"errors\":[]}", WEIR_OK, NULL},
        {"{\"id\":\"e01xx\"}", WEIR_OK, NULL},
        {"{\"success\":false,\"errors\":[{\"statusCode\":\"LIMIT_EXCEEDED\",\"message\":\"no "
         "more\"}]}",
         WEIR_BUSY, "LIMIT_EXCEEDED: no more"},
        {"{\"success\":false,\"errors\":[{\"statusCode\":\"STRANGE\",\"message\":\"x\"}]}",
         WEIR_REFUSED, "STRANGE: x"},
        {"{\"success\":false,\"errors\":[]}", WEIR_REFUSED, "does not say why"},
        {"[]", WEIR_PROTOCOL, "no JSON object"},
        {"<html>", WEIR_PROTOCOL, "no JSON object"},
        {"", WEIR_PROTOCOL, "no JSON object"},
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        weir_error err = {0};
        weir_bytes body = {rows[i].body, strlen(rows[i].body)};
        assert_int_equal(publish_result(body, "publishing", &err), rows[i].status);
        if (rows[i].says)
            assert_non_null(strstr(err.message, rows[i].says));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names_are_those_of_platform_events),
        cmocka_unit_test(refusals_are_in_salesforces_own_words),
        cmocka_unit_test(a_created_event_may_still_be_a_failure),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
