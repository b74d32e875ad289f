/* Every part of core that allocates, with every allocation failing once. */
#include "lib/check.h"
#include "lib/torture.h"

#include "core/buf.h"
#include "core/clock.h"
#include "core/error.h"
#include "core/file.h"
#include "core/inbox.h"
#include "core/json.h"
#include "core/mem.h"
#include "core/options.h"
#include "core/pool.h"
#include "core/secret.h"
#include "core/text.h"
#include "core/url.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <weir/event.h>

#define JSON                                                                                       \
    "{\"a long name of a member\":[1,2.5,true,null,\"a long text, longer than sixteen\"],"         \
    "\"n\":-1234567890123456789,\"b\":{\"c\":[[[{\"d\":\"\\u00e9\\n\"}]]]},"                       \
    "\"0\":0,\"1\":1,\"2\":2,\"3\":3,\"4\":4,\"5\":5,\"6\":6,\"7\":7,\"8\":8,\"9\":9}"

static weir_status buffers(void *user, weir_error *err)
{
    (void)user;
    struct buf b = BUF_INIT(100000);
    for (int i = 0; i < 200; i++) {
        buf_addf(&b, "%d,", i);
        base64_add(&b, "bytes", 5, true);
        form_add(&b, "a b&c");
        percent_encode(&b, "\xff%", 2);
        text_fold(&b, " a\n b", 5, 100);
    }
    weir_status status = buf_finish(&b, err);
    if (status == WEIR_OK)
        error_ok(err);
    buf_free(&b);
    return status;
}

static weir_status urls(void *user, weir_error *err)
{
    (void)user;
    struct url url = {0};
    char *host = NULL;
    uint16_t port;
    weir_status status = url_parse(&url, "https://u:p@Example.org:8443/path?q=1#f", "the URL", err);
    if (status == WEIR_OK) {
        assert_string_equal(url.host, "example.org");
        assert_string_equal(url.target, "/path?q=1");
        status = hostport_parse("[::1]:26500", 1, "the address", &host, &port, err);
    }
    if (status == WEIR_OK)
        error_ok(err);
    mem_free(host);
    url_clear(&url);
    return status;
}

static weir_status secrets(void *user, weir_error *err)
{
    (void)user;
    struct secret *one = secret_new("sesame", 6);
    struct secret *two = secret_dup(one);
    bool whole = one && two;
    if (whole)
        assert_true(secret_equal(one, two));
    secret_free(one);
    secret_free(two);
    return whole ? error_ok(err) : error_no_memory(err);
}

static weir_status json(void *user, weir_error *err)
{
    (void)user;
    weir_json *v = weir_json_parse(JSON, strlen(JSON), err);
    if (!v)
        return err->status;
    char *text = weir_json_text(v);
    if (text) /* what was parsed is never less than what was written */
        assert_string_equal(text, "{\"a long name of a member\":[1,2.5,true,null,\"a long text, "
                                  "longer than sixteen\"],\"n\":-1234567890123456789,\"b\":{\"c\":"
                                  "[[[{\"d\":\"\xc3\xa9\\n\"}]]]},\"0\":0,\"1\":1,\"2\":2,\"3\":3,"
                                  "\"4\":4,\"5\":5,\"6\":6,\"7\":7,\"8\":8,\"9\":9}");
    else
        error_no_memory(err);
    weir_free(text);
    weir_json_free(v);
    return err->status;
}

static weir_status packing(void *user, weir_error *err)
{
    (void)user;
    weir_json *v = weir_json_pack(err, "{s:s, s:[i,i,{s:f}], s:n}", "text", "a long enough text",
                                  "list", 1, 2, "real", 1.5, "null");
    if (v)
        assert_int_equal(weir_json_int(v, "/list/1", 0), 2);
    weir_json_free(v);
    return err->status;
}

static weir_status events(void *user, weir_error *err)
{
    const char *text = user;
    weir_event *event = weir_event_parse(text, strlen(text), err);
    char *again = event ? weir_event_format(event, err) : NULL;
    if (again && strcmp(again, text) != 0) /* JSON data that could not be parsed goes as base64 */
        assert_int_equal(mem_failed(), 1);
    weir_free(again);
    weir_event_free(event);
    return err->status;
}

static weir_status new_events(void *user, weir_error *err)
{
    (void)user;
    const char *const extensions[] = {"a", "1", "b", "2", "c", "3", "d", "4", "e", "5", NULL};
    weir_event *event = weir_event_new(WEIR_EVENT(.id = "1", .type = "t", .source = "s",
                                                  .data = {"[1]", 3}, .extensions = extensions),
                                       err);
    if (event)
        assert_string_equal(weir_event_attr(event, "e"), "5");
    weir_event_free(event);
    return err->status;
}

static weir_status inboxes(void *user, weir_error *err)
{
    (void)user;
    void *item;
    struct inbox *inbox = inbox_new(clock_system(), 4, mem_free);
    if (!inbox)
        return error_no_memory(err);
    char *text = mem_strdup("item");
    weir_status status = text ? inbox_put(inbox, text) : error_no_memory(err);
    if (status == WEIR_OK)
        status = inbox_take(inbox, &item, (struct deadline){0}, err);
    if (status == WEIR_OK)
        inbox_put(inbox, item); /* dropped by the end */
    inbox_free(inbox);
    return status;
}

static void nothing(void *user)
{
    (void)user;
}

static weir_status pools(void *user, weir_error *err)
{
    (void)user;
    struct pool *pool = pool_new(2, err);
    if (!pool)
        return err->status;
    weir_status status = pool_run(pool, nothing, NULL);
    if (status == WEIR_OK)
        status = pool_run(pool, nothing, NULL);
    pool_free(pool);
    return status == WEIR_OK ? error_ok(err) : error_no_memory(err);
}

static weir_status files(void *user, weir_error *err)
{
    const char *path = user;
    char *text = NULL;
    size_t len = 0;
    weir_status status = file_replace(path, "secret\n", 7, 0600, "the file", err);
    if (status == WEIR_OK)
        status = file_read(path, 100, "the file", &text, &len, err);
    mem_free(text);
    text = NULL;
    if (status == WEIR_OK)
        status = options_secret_env("TORTURE_SECRET", &text, err);
    if (status == WEIR_OK) {
        assert_string_equal(text, "secret");
        error_ok(err);
    }
    secret_free_text(text);
    return status;
}

static void every_failed_allocation_is_said_and_nothing_is_left(void **state)
{
    (void)state;
    static const char json_event[] = "{\"specversion\":\"1.0\",\"id\":\"1\",\"source\":\"/s\","
                                     "\"type\":\"t\",\"x\":12,\"data\":{\"a\":[1,2]}}";
    static const char bytes_event[] =
        "{\"specversion\":\"1.0\",\"id\":\"1\",\"source\":\"/s\",\"type\":\"t\",\"data_base64\":"
        "\"AAH/\"}";
    char json_text[sizeof json_event];
    char bytes_text[sizeof bytes_event];
    memcpy(json_text, json_event, sizeof json_event);
    memcpy(bytes_text, bytes_event, sizeof bytes_event);
    static const struct {
        torture_scenario *run;
        long least;
    } alone[] = {{buffers, 5}, {urls, 4},        {secrets, 2}, {json, 20},
                 {packing, 8}, {new_events, 15}, {inboxes, 2}, {pools, 3}};
    for (size_t i = 0; i < COUNT(alone); i++) {
        long n = torture(alone[i].run, NULL);
        if (n < alone[i].least)
            fail_msg("scenario %zu makes only %ld allocations", i, n);
    }
    assert_true(torture(events, json_text) > 20);
    assert_true(torture(events, bytes_text) > 10);
}

static void files_survive_failed_allocations(void **state)
{
    (void)state;
    char path[] = "/tmp/weir-torture-XXXXXX";
    int fd = mkstemp(path);
    assert_true(fd >= 0);
    close(fd);
    setenv("TORTURE_SECRET_FILE", path, 1);
    torture(files, path);
    unlink(path);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_failed_allocation_is_said_and_nothing_is_left),
        cmocka_unit_test(files_survive_failed_allocations),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
