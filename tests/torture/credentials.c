/* Everything of credentials that runs on one thread, with every allocation failing once. */
#include "lib/check.h"
#include "lib/torture.h"
#include "lib/vclock.h"

#include "core/error.h"
#include "core/mem.h"
#include "credentials/answer.h"
#include "credentials/cache_file.h"
#include "credentials/machine.h"
#include "credentials/request.h"

#include <openssl/evp.h>
#include <openssl/pem.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static struct vclock now;
static char *key_text;
static char folder[64], path[128];

static const weir_oauth2_options *wanted(weir_grant grant, weir_client_auth auth)
{
    static const weir_param params[] = {{"tenant", "x"}, {NULL, NULL}};
    static weir_oauth2_options o;
    o = *WEIR_OAUTH2(.grant = grant, .client_auth = auth,
                     .token_url = "https://login.example/t?x=1", .client_id = "me",
                     .client_secret = "secret", .scope = "a b", .audience = "zeebe.example",
                     .username = "u", .password = "p", .refresh_token = "r",
                     .private_key = key_text, .key_id = "k", .params = params);
    return &o;
}

static weir_status requests(void *user, weir_error *err)
{
    const int *row = user;
    struct request request = {NULL, NULL, NULL};
    struct grant *grant = grant_new(wanted((weir_grant)row[0], (weir_client_auth)row[1]), err);
    weir_status status = grant ? request_check(grant, err) : err->status;
    if (status == WEIR_OK)
        status = request_make(grant, NULL, &now.clock, &request, err);
    if (status == WEIR_OK) {
        assert_true(secret_len(request.body) > 10);
        error_ok(err);
    }
    request_clear(&request);
    grant_free(grant);
    return status;
}

static void every_grant_and_every_way_survive(void **state)
{
    (void)state;
    for (int grant = WEIR_GRANT_CLIENT_CREDENTIALS; grant <= WEIR_GRANT_JWT_BEARER; grant++) {
        for (int auth = WEIR_CLIENT_AUTH_POST; auth <= WEIR_CLIENT_AUTH_PRIVATE_KEY_JWT; auth++)
            torture(requests, (int[]){grant, auth});
    }
}

static weir_status answers(void *user, weir_error *err)
{
    static const char text[] = "{\"access_token\":\"T\",\"token_type\":\"DPoP\",\"expires_in\":60,"
                               "\"instance_url\":\"https://x\",\"list\":[1,{\"a\":\"b\"}]}";
    struct weir_token_answer answer;
    (void)user;
    weir_status status = answer_read(&answer, text, sizeof text - 1, "fetching", err);
    if (status == WEIR_OK) {
        weir_token *token = token_make(&answer, token_moment(&now.clock), 60, false);
        status = token ? error_ok(err) : error_no_memory(err);
        if (token)
            assert_string_equal(weir_token_field(token, "list"), "[1,{\"a\":\"b\"}]");
        weir_token_free(token);
    }
    token_answer_clear(&answer);
    return status;
}

/* Whatever fails inside, there is an error with a status of its own. */
static weir_status refusals(void *user, weir_error *err)
{
    static const char text[] = "{\"error\":\"invalid_client\",\"error_description\":\"no\"}";
    struct http_answer answer = {
        .status = 401, .body = {text, sizeof text - 1}, .retry_after = -1, .content_type = ""};
    (void)user;
    assert_int_equal(answer_refusal(&answer, "fetching", err), WEIR_BAD_LOGIN);
    return error_ok(err);
}

static void every_answer_survives(void **state)
{
    (void)state;
    torture(answers, NULL);
    torture(refusals, NULL);
}

static weir_token *some_token(void)
{
    struct weir_token_answer answer = {0};
    weir_token *token = NULL;
    if (weir_token_set(&answer, "T1", 0) == WEIR_OK &&
        weir_token_set_type(&answer, "Bearer") == WEIR_OK &&
        weir_token_set_field(&answer, "instance_url", "https://x") == WEIR_OK)
        token = token_make(&answer, token_moment(&now.clock), 300, false);
    token_answer_clear(&answer);
    return token;
}

/* A file that cannot be written for lack of memory is no failure; what is there stays whole. */
static weir_status disk(void *user, weir_error *err)
{
    struct cache_found found = {0};
    struct grant *grant =
        grant_new(wanted(WEIR_GRANT_CLIENT_CREDENTIALS, WEIR_CLIENT_AUTH_POST), err);
    struct cache *cache = grant ? cache_new(path, grant, true) : NULL;
    weir_token *token = cache ? some_token() : NULL, *back = NULL;
    bool whole = token != NULL;
    (void)user;
    if (whole) {
        cache_store(cache, &now.clock, token, NULL);
        cache_load(cache, &now.clock, &found);
        back = cache_token(&found, &now.clock);
        assert_true(!back || strcmp(weir_token_value(back), "T1") == 0);
        cache_forget(cache, token);
    }
    weir_token_free(token);
    weir_token_free(back);
    cache_found_clear(&found);
    cache_free(cache);
    grant_free(grant);
    return whole ? error_ok(err) : error_no_memory(err);
}

static void the_disk_survives(void **state)
{
    (void)state;
    torture(disk, NULL);
}

static weir_status nothing_to_fetch(void *user, weir_token_answer *answer, weir_ms limit,
                                    weir_error *err)
{
    (void)user;
    (void)answer;
    (void)limit;
    (void)err;
    return WEIR_UNREACHABLE;
}

/* Made and freed again, the I/O thread with them; nothing is fetched. */
static weir_status handles(void *user, weir_error *err)
{
    const weir_token_source source = {.struct_size = sizeof source, .fetch = nothing_to_fetch};
    const weir_oauth2_options *o = wanted(WEIR_GRANT_CLIENT_CREDENTIALS, WEIR_CLIENT_AUTH_POST);
    weir_oauth2_options cached = *o;
    (void)user;
    cached.cache_file = path;
    weir_credentials *fixed = weir_credentials_fixed("T1", err);
    weir_credentials *custom = weir_credentials_custom(&source, err);
    weir_credentials *oauth2 = weir_credentials_oauth2(&cached, err);
    weir_status status = err->status;
    if (status == WEIR_OK)
        assert_true(fixed && custom && oauth2);
    weir_credentials_free(fixed);
    weir_credentials_free(custom);
    weir_credentials_free(oauth2);
    return status;
}

static void making_and_freeing_survives(void **state)
{
    (void)state;
    torture(handles, NULL);
}

static int begin(void **state)
{
    EVP_PKEY *key = EVP_EC_gen("P-256");
    BIO *bio = BIO_new(BIO_s_mem());
    char *data = NULL;
    (void)state;
    vclock_init(&now);
    PEM_write_bio_PrivateKey(bio, key, NULL, NULL, 0, NULL, NULL);
    long len = BIO_get_mem_data(bio, &data);
    key_text = mem_dup(data, (size_t)len);
    BIO_free(bio);
    EVP_PKEY_free(key);
    snprintf(folder, sizeof folder, "/tmp/weir-torture-XXXXXX");
    assert_non_null(mkdtemp(folder));
    snprintf(path, sizeof path, "%s/weir/credentials", folder);
    return 0;
}

static int end(void **state)
{
    char command[128];
    (void)state;
    mem_free(key_text);
    snprintf(command, sizeof command, "rm -rf %s", folder);
    return system(command);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_grant_and_every_way_survive),
        cmocka_unit_test(every_answer_survives),
        cmocka_unit_test(the_disk_survives),
        cmocka_unit_test(making_and_freeing_survives),
    };
    return cmocka_run_group_tests(tests, begin, end);
}
