/* Mutual TLS from the command line: a gateway that demands client certificates. */
#include "lib/check.h"
#include "lib/sandboxed.h"

#include "core/mem.h"
#include "sandbox/pki.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

struct place {
    char dir[32], *ca;
    struct pki *clients;
    struct pki_cert cert;
    struct pki_paths files;
    struct sandbox *sandbox;
};

static void open_place(struct place *p)
{
    struct pki_request ask = {"client", NULL, true, PKI_VALID};
    *p = (struct place){.dir = "/tmp/weir-cli-mutual-XXXXXX"};
    assert_non_null(mkdtemp(p->dir));
    p->clients = pki_new("clients", NULL);
    assert_int_equal(pki_write_ca(p->clients, p->dir, &p->ca, NULL), WEIR_OK);
    assert_int_equal(pki_issue(p->clients, &ask, &p->cert, NULL), WEIR_OK);
    assert_int_equal(pki_write(&p->cert, p->dir, "client", &p->files, NULL), WEIR_OK);
    p->sandbox = sandboxed_start(
        &(struct sandbox_options){.only = "zeebe", .tls = true, .client_ca_file = p->ca});
}

static void close_place(struct place *p)
{
    sandbox_stop(p->sandbox);
    (void)unlink(p->ca);
    (void)unlink(p->files.chain);
    (void)unlink(p->files.key);
    (void)rmdir(p->dir);
    mem_free(p->ca);
    pki_paths_clear(&p->files);
    pki_cert_clear(&p->cert);
    pki_free(p->clients);
}

/* `weir zeebe status` with these flags; its status, and in `text` all it wrote. */
static int status_of(const struct place *p, const char *flags, char *text, size_t size)
{
    char command[2048];
    int len = snprintf(command, sizeof command,
                       "env -i WEIR_CA_FILE='%s' '%s/src/cli/weir' zeebe status --address %s "
                       "--request-timeout 5s %s 2>&1",
                       sandbox_value(p->sandbox, "WEIR_CA_FILE"), getenv("WEIR_BINARY"),
                       sandbox_value(p->sandbox, "ZEEBE_ADDRESS"), flags);
    assert_in_range(len, 1, sizeof command - 1);
    FILE *shell = popen(command, "re");
    assert_non_null(shell);
    text[fread(text, 1, size - 1, shell)] = '\0';
    return WEXITSTATUS(pclose(shell));
}

static void a_client_certificate_opens_the_gateway_and_nothing_else_does(void **state)
{
    struct place p;
    char flags[512], text[4096];
    (void)state;
    open_place(&p);
    (void)snprintf(flags, sizeof flags, "--client-cert %s --client-key %s", p.files.chain,
                   p.files.key);
    int got = status_of(&p, flags, text, sizeof text);
    if (got != 0 || !strstr(text, "Partition 1 : Leader, Healthy"))
        fail_msg("with a certificate: %d, %s", got, text);
    got = status_of(&p, "", text, sizeof text);
    if (got != 76 || !strstr(text, "weir: zeebe: "))
        fail_msg("without: %d, %s", got, text);
    close_place(&p);
}

static void a_key_that_does_not_belong_to_the_certificate_is_said_before_connecting(void **state)
{
    struct place p;
    char flags[512], text[4096];
    (void)state;
    open_place(&p);
    (void)snprintf(flags, sizeof flags, "--client-cert %s --client-key %s", p.ca, p.files.key);
    int got = status_of(&p, flags, text, sizeof text);
    if (got != 65 || strncmp(text, "weir: zeebe: ", 13) != 0)
        fail_msg("another's certificate: %d, %s", got, text);
    (void)snprintf(flags, sizeof flags, "--client-cert %s --client-key %s", p.files.chain,
                   p.files.chain);
    got = status_of(&p, flags, text, sizeof text);
    if (got != 65 || !strstr(text, p.files.chain))
        fail_msg("a key that is none: %d, %s", got, text);
    close_place(&p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_client_certificate_opens_the_gateway_and_nothing_else_does),
        cmocka_unit_test(a_key_that_does_not_belong_to_the_certificate_is_said_before_connecting),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
