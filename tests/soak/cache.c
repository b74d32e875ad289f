/* Processes that share a token cache and are killed at any instant. Usage: soak_cache [SECONDS
 * [SEED]]. Workers (this program again) fetch, renew and reject tokens through one cache file while
 * the first process kills one after the other with SIGKILL. What must hold: the file is never
 * found broken, it can be used when all is over, and nothing but it, its lock and at most one
 * unfinished copy lies in its folder. */
#include <dirent.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "core/clock.h"
#include "sandbox/sandbox.h"
#include <weir/weir.h>

#define WORKERS 4

extern char **environ;

static char folder[] = "/tmp/weir-soak-XXXXXX";
static char cache[64];

static uint64_t chance(uint64_t *state, uint64_t below)
{
    uint64_t z = *state += 0x9e3779b97f4a7c15;
    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9;
    z = (z ^ z >> 27) * 0x94d049bb133111eb;
    return (z ^ z >> 31) % below;
}

/* ---- a worker: soak_cache --worker URL FILE ROUNDS ------------------------------------------- */

static weir_credentials *open_one(const char *url, const char *file, uint64_t which,
                                  weir_error *err)
{
    static const char *const audiences[] = {"a", "b", "c"};
    return weir_credentials_oauth2(
        WEIR_OAUTH2(.token_url = url, .client_id = "sandbox", .client_secret = "sandbox-secret",
                    .audience = audiences[which % 3], .cache_file = file, .proxy = WEIR_OMIT),
        err);
}

static int work(char **argv)
{
    uint64_t random = (uint64_t)getpid();
    weir_error err = {0};
    for (long i = strtol(argv[4], NULL, 10); i != 0 && err.status == WEIR_OK; i--) {
        weir_credentials *c = open_one(argv[2], argv[3], chance(&random, 3), &err);
        weir_token *token = chance(&random, 2) ? weir_credentials_token(c, 10000, &err)
                                               : weir_credentials_refresh(c, 10000, &err);
        if (token && chance(&random, 3) == 0)
            weir_credentials_reject(c, token);
        weir_token_free(token);
        weir_credentials_free(c);
    }
    return weir_error_exit(&err, "soak_cache worker");
}

/* ---- the first process ---------------------------------------------------------------------- */

static pid_t start(char *self, const char *url, const char *rounds)
{
    pid_t pid = 0;
    char *argv[] = {self, "--worker", strdup(url), cache, strdup(rounds), NULL};
    if (posix_spawn(&pid, "/proc/self/exe", NULL, NULL, argv, environ) != 0)
        exit(2);
    free(argv[2]);
    free(argv[4]);
    return pid;
}

static void kill_and_replace(char *self, const char *url, pid_t *pid)
{
    int status;
    (void)kill(*pid, SIGKILL);
    if (waitpid(*pid, &status, 0) != *pid || !WIFSIGNALED(status)) {
        printf("FAIL a worker ended by itself with %d\n", status);
        exit(1);
    }
    *pid = start(self, url, "-1");
}

static int look_around(void)
{
    int faults = 0;
    DIR *dir = opendir(folder);
    for (struct dirent *e; dir && (e = readdir(dir));) {
        bool known = e->d_name[0] == '.' || strcmp(e->d_name, "tokens") == 0 ||
                     strcmp(e->d_name, "tokens.lock") == 0 || strcmp(e->d_name, "tokens.new") == 0;
        if (!known)
            printf("FAIL %s lies in the folder\n", e->d_name);
        faults += !known;
    }
    if (dir)
        closedir(dir);
    return faults;
}

/* What is left can still be used, and is as private as it should be. */
static int use_it(char *self, const char *url)
{
    int status = 0;
    pid_t last = start(self, url, "20");
    if (waitpid(last, &status, 0) != last || status != 0) {
        printf("FAIL the file cannot be used afterwards: %d\n", status);
        return 1;
    }
    return look_around();
}

static void clean_up(void)
{
    static const char *const names[] = {"", ".lock", ".new", ".broken"};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        char path[128];
        (void)snprintf(path, sizeof path, "%s%s", cache, names[i]);
        (void)unlink(path);
    }
    (void)rmdir(folder);
}

/* For a random while, at most 30 ms. */
static void let_pass(uint64_t *random)
{
    struct timespec until = {0, (long)chance(random, 30 * NS_PER_MS)};
    (void)pselect(0, NULL, NULL, NULL, &until, NULL);
}

static int run(char *self, struct sandbox *sandbox, int seconds, uint64_t random)
{
    const char *url = sandbox_value(sandbox, "OAUTH_TOKEN_URL");
    pid_t workers[WORKERS];
    unsigned kills = 0;
    int64_t end = clock_mono(clock_system()) + seconds * NS_PER_S;
    for (size_t i = 0; i < WORKERS; i++)
        workers[i] = start(self, url, "-1");
    for (; clock_mono(clock_system()) < end; kills++) {
        let_pass(&random);
        kill_and_replace(self, url, &workers[chance(&random, WORKERS)]);
    }
    for (size_t i = 0; i < WORKERS; i++) {
        (void)kill(workers[i], SIGKILL);
        (void)waitpid(workers[i], NULL, 0);
    }
    printf("%u kills, %llu tokens\n", kills, (unsigned long long)sandbox_count(sandbox, "token"));
    return use_it(self, url) || kills == 0;
}

int main(int argc, char **argv)
{
    if (argc > 4 && strcmp(argv[1], "--worker") == 0)
        return work(argv);
    int seconds = argc > 1 ? (int)strtol(argv[1], NULL, 10) : 60;
    uint64_t seed = argc > 2 ? strtoull(argv[2], NULL, 10) : (uint64_t)clock_wall(clock_system());
    const struct sandbox_options options = {.only = "oauth"};
    weir_error err = {0};
    printf("soak_cache: %d s, seed %llu\n", seconds, (unsigned long long)seed);
    (void)fflush(stdout);
    struct sandbox *sandbox = sandbox_start(&options, &err);
    if (!sandbox || !mkdtemp(folder))
        return weir_error_exit(&err, "soak_cache");
    (void)snprintf(cache, sizeof cache, "%s/tokens", folder);
    int faults = run(argv[0], sandbox, seconds, seed);
    sandbox_stop(sandbox);
    clean_up();
    return faults ? 1 : 0;
}
