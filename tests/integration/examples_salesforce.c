/* The programs of examples/ that listen to Salesforce, each run on a sandbox as a user would. */
#include "integration/salesforce_lib.h"

#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>
#include <weir/weir.h>

extern char **environ;

static struct desk d;
static char home[64]; /* where they keep their stores */

static int begin(void **state)
{
    const struct sandbox_options all = {0};
    const char *name, *value;
    (void)state;
    desk_begin(&d, &all);
    for (size_t i = 0; sandbox_setting(d.sandbox, i, &name, &value); i++)
        (void)setenv(name, value, 1);
    (void)snprintf(home, sizeof home, "/tmp/weir-home-XXXXXX");
    return mkdtemp(home) ? 0 : -1;
}

static int end(void **state)
{
    char command[100];
    (void)state;
    desk_end(&d);
    (void)snprintf(command, sizeof command, "rm -rf '%s'", home);
    return system(command);
}

struct running {
    pid_t pid;
    FILE *said;
};

static struct running start(const char *name, const char *argument)
{
    struct running r = {0};
    char path[512];
    int ends[2];
    const char *const words[] = {name, argument, NULL};
    posix_spawn_file_actions_t actions;
    (void)snprintf(path, sizeof path, "%s/examples/%s", getenv("WEIR_BINARY"), name);
    assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_adddup2(&actions, ends[1], 1);
    posix_spawn_file_actions_addchdir_np(&actions, home);
    assert_int_equal(
        posix_spawn(&r.pid, path, &actions, NULL, (char *const *)(uintptr_t)words, environ), 0);
    posix_spawn_file_actions_destroy(&actions);
    close(ends[1]);
    r.said = fdopen(ends[0], "r");
    assert_non_null(r.said);
    return r;
}

/* Its next line has these words. */
static void says(const struct running *r, const char *words)
{
    char line[4096] = "";
    assert_non_null(fgets(line, sizeof line, r->said));
    if (!strstr(line, words))
        print_error("instead of %s: %s\n", words, line);
    assert_non_null(strstr(line, words));
}

static int finish(const struct running *r, int number)
{
    int status = 0;
    assert_int_equal(kill(r->pid, number), 0);
    assert_int_equal(waitpid(r->pid, &status, 0), r->pid);
    (void)fclose(r->said);
    return status;
}

static void wait_for_subscriptions(uint64_t count)
{
    sandboxed_wait(d.sandbox, "salesforce.subscribe", count);
}

static void listen_goes_on_where_it_left_off(void **state)
{
    (void)state;
    struct running r = start("listen", ORDERS);
    wait_for_subscriptions(1);
    desk_emit(&d, ORDERS, 1, 1);
    says(&r, "\"Number__c\":1");
    assert_int_equal(WTERMSIG(finish(&r, SIGKILL)), SIGKILL);
    desk_emit(&d, ORDERS, 2, 2);
    r = start("listen", ORDERS);
    says(&r, "\"Number__c\":"); /* the first again, if it was not acknowledged */
    desk_emit(&d, ORDERS, 4, 1);
    for (char line[4096] = ""; !strstr(line, "\"Number__c\":4");)
        assert_non_null(fgets(line, sizeof line, r.said));
    (void)finish(&r, SIGKILL);
}

static void topic_shows_the_records_that_pass(void **state)
{
    (void)state;
    weir_error err = {0};
    const struct sandbox_emission rows[] = {
        {.channel = "/topic/Orders", .data = "{\"Region__c\":\"EMEA\",\"Name\":\"one\"}"},
        {.channel = "/topic/Orders", .data = "{\"Region__c\":\"APAC\",\"Name\":\"two\"}"},
        {.channel = "/topic/Orders", .data = "{\"Region__c\":\"EMEA\",\"Name\":\"three\"}"}};
    for (size_t i = 0; i < COUNT(rows); i++)
        assert_int_equal(sandbox_emit(d.sandbox, &rows[i], NULL, &err), WEIR_OK);
    struct running r = start("topic", "/topic/Orders?Region__c='EMEA'");
    says(&r, "created one");
    says(&r, "created three");
    assert_int_equal(finish(&r, SIGTERM), 0);
}

static void orders_of_one_channel_become_processes_of_the_other(void **state)
{
    (void)state;
    weir_error err = {0};
    char path[512];
    (void)snprintf(path, sizeof path, "%s/examples/order.bpmn", getenv("WEIR_SOURCE"));
    const char *const files[] = {path, NULL};
    weir_zeebe *zeebe = weir_zeebe_new(NULL, &err);
    weir_deployment_free(
        weir_zeebe_deploy(zeebe, WEIR_DEPLOY(.files = files), WEIR_DEFAULT_TIMEOUT, &err));
    assert_string_equal(err.message, "");
    weir_zeebe_free(zeebe);
    struct running r = start("orders", NULL);
    wait_for_subscriptions(1);
    desk_emit(&d, ORDERS, 1, 2);
    says(&r, "began order");
    says(&r, "began order");
    (void)finish(&r, SIGKILL);
    sandboxed_wait(d.sandbox, "zeebe.CreateProcessInstance", 2);
}

static int64_t accounts(const char *database, const char *name)
{
    sqlite3 *db = NULL;
    sqlite3_stmt *statement = NULL;
    int64_t count = -1;
    assert_int_equal(sqlite3_open(database, &db), SQLITE_OK);
    (void)sqlite3_prepare_v2(db, "SELECT count(*) FROM account WHERE name = ?", -1, &statement,
                             NULL);
    (void)sqlite3_bind_text(statement, 1, name, -1, SQLITE_STATIC);
    if (sqlite3_step(statement) == SQLITE_ROW)
        count = sqlite3_column_int64(statement, 0);
    (void)sqlite3_finalize(statement);
    (void)sqlite3_close(db);
    return count;
}

/* Its replay id, as a line. */
static const char *change(const char *type, const char *id, const char *name)
{
    static char line[32];
    int64_t replay_id = 0;
    char data[300];
    weir_error err = {0};
    (void)snprintf(data, sizeof data,
                   "{\"Name\":\"%s\",\"ChangeEventHeader\":{\"changeType\":\"%s\",\"recordIds\":"
                   "[\"%s\"]}}",
                   name, type, id);
    const struct sandbox_emission emission = {.channel = "/data/AccountChangeEvent", .data = data};
    assert_int_equal(sandbox_emit(d.sandbox, &emission, &replay_id, &err), WEIR_OK);
    (void)snprintf(line, sizeof line, "%lld\n", (long long)replay_id);
    return line;
}

static void changes_are_in_the_database_once(void **state)
{
    (void)state;
    char database[100];
    (void)snprintf(database, sizeof database, "%s/accounts.db", home);
    struct running r = start("changes", database);
    wait_for_subscriptions(1);
    says(&r, change("CREATE", "001A", "Acme"));
    (void)change("CREATE", "001B", "Wayne");
    (void)finish(&r, SIGKILL); /* wherever it is */
    (void)change("UPDATE", "001A", "Acme Ltd");
    (void)change("DELETE", "001B", "");
    const char *last = change("CREATE", "001C", "last");
    r = start("changes", database);
    for (char line[64] = ""; strcmp(line, last) != 0;)
        assert_non_null(fgets(line, sizeof line, r.said));
    assert_int_equal(finish(&r, SIGTERM), 0);
    assert_int_equal(accounts(database, "last"), 1);
    assert_int_equal(accounts(database, "Acme Ltd"), 1);
    assert_int_equal(accounts(database, "Acme"), 0);
    assert_int_equal(accounts(database, "Wayne"), 0);
}

int main(void)
{
#define desk_test(f) cmocka_unit_test_setup_teardown(f, begin, end)
    const struct CMUnitTest tests[] = {
        desk_test(listen_goes_on_where_it_left_off),
        desk_test(topic_shows_the_records_that_pass),
        desk_test(orders_of_one_channel_become_processes_of_the_other),
        desk_test(changes_are_in_the_database_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
