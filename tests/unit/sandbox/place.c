#include "lib/check.h"

#include "core/mem.h"
#include "lib/webclient.h"
#include "sandbox/place.h"
#include "sandbox/settings.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

static void a_folder_is_private_and_goes_with_all_in_it(void **state)
{
    char path[300];
    struct stat what;
    char *folder = place_folder(NULL);
    (void)state;
    assert_non_null(folder);
    assert_int_equal(stat(folder, &what), 0);
    assert_int_equal(what.st_mode & 0777, 0700);
    snprintf(path, sizeof path, "%s/deep", folder);
    assert_int_equal(mkdir(path, 0700), 0);
    snprintf(path, sizeof path, "%s/deep/file", folder);
    close(open(path, O_CREAT | O_WRONLY | O_CLOEXEC, 0600));
    snprintf(path, sizeof path, "%s/link", folder);
    assert_int_equal(symlink("/tmp", path), 0); /* is removed itself, not what it leads to */
    place_remove(folder);
    assert_int_not_equal(stat(folder, &what), 0);
    assert_int_equal(stat("/tmp", &what), 0);
    place_remove(NULL);
    mem_free(folder);
}

static void a_folder_that_cannot_be_made_is_named(void **state)
{
    weir_error err = {0};
    (void)state;
    char *old = mem_strdup(getenv("TMPDIR"));
    setenv("TMPDIR", "/no/such/folder", 1);
    assert_null(place_folder(&err));
    assert_int_equal(err.status, WEIR_STORE);
    assert_non_null(strstr(err.message, "/no/such/folder"));
    if (old)
        setenv("TMPDIR", old, 1);
    else
        unsetenv("TMPDIR");
    mem_free(old);
}

static int listen_on(uint16_t port)
{
    struct sockaddr_in address = {.sin_family = AF_INET,
                                  .sin_port = htons(port),
                                  .sin_addr = {.s_addr = htonl(INADDR_LOOPBACK)}};
    int yes = 1, fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
    if (bind(fd, (const struct sockaddr *)&address, sizeof address) == 0 && listen(fd, 5) == 0)
        return fd;
    close(fd);
    return -1;
}

static void a_port_that_is_held_refuses_until_somebody_listens_and_again_afterwards(void **state)
{
    struct place_port held;
    (void)state;
    assert_int_equal(place_hold(&held, 0, NULL), WEIR_OK);
    for (int i = 0; i < 3; i++) {
        assert_int_equal(web_connect(held.number), -1);
        int listener = listen_on(held.number);
        assert_true(listener >= 0);
        int client = web_connect(held.number);
        assert_true(client >= 0);
        close(client);
        close(listener);
    }
    place_let_go(&held);
    place_let_go(&held);
}

static void a_port_where_somebody_listens_is_taken(void **state)
{
    struct place_port held, other;
    weir_error err = {0};
    (void)state;
    assert_int_equal(place_hold(&held, 0, NULL), WEIR_OK);
    int listener = listen_on(held.number);
    assert_int_equal(place_hold(&other, held.number, &err), WEIR_CONFLICT);
    assert_int_equal(other.fd, -1);
    assert_non_null(strstr(err.message, "127.0.0.1:"));
    close(listener);
    place_let_go(&held);
}

static void settings_are_found_by_name_and_never_lost_silently(void **state)
{
    struct settings settings = {.count = 0};
    (void)state;
    for (int i = 0; i < SETTINGS_MAX; i++)
        settings_add(&settings, i ? "other" : "NAME", "%s-%d", "value", i);
    assert_false(settings.failed);
    assert_string_equal(settings_get(&settings, "NAME"), "value-0");
    assert_null(settings_get(&settings, "name"));
    settings_add(&settings, "MORE", "x");
    assert_true(settings.failed);
    settings_clear(&settings);
    mem_fail_at(1);
    settings_add(&settings, "NAME", "x");
    mem_fail_at(0);
    assert_true(settings.failed);
    settings_clear(&settings);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_folder_is_private_and_goes_with_all_in_it),
        cmocka_unit_test(a_folder_that_cannot_be_made_is_named),
        cmocka_unit_test(a_port_that_is_held_refuses_until_somebody_listens_and_again_afterwards),
        cmocka_unit_test(a_port_where_somebody_listens_is_taken),
        cmocka_unit_test(settings_are_found_by_name_and_never_lost_silently),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
