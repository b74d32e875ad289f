/* Whom to trust, and who we are, as libcurl wants it: PEM in memory. io/tls.h judges what is given,
 * so that a broken PEM gives the same error for every channel. A file is read once, because it may
 * be a pipe. */
#include "core/error.h"
#include "core/file.h"
#include "core/limits.h"
#include "core/mem.h"
#include "core/options.h"
#include "core/secret.h"
#include "http/http_private.h"
#include "io/tls.h"

#include <string.h>

static weir_status read_pem(char **out, const char *text, const char *file, const char *what,
                            weir_error *err)
{
    size_t len;
    text = options_text(text);
    file = options_text(file);
    *out = text ? mem_strdup(text) : NULL;
    if (text)
        return *out ? WEIR_OK : error_no_memory(err);
    return file ? file_read(file, (size_t)LIMIT_KEY_FILE, what, out, &len, err) : WEIR_OK;
}

static weir_status judge(const struct trust *t, const char *file, bool identity, weir_error *err)
{
    weir_tls_options o = {.struct_size = sizeof o,
                          .root_certificates = t->roots,
                          .private_key = identity ? t->key : NULL,
                          .certificate_chain = identity ? t->chain : NULL};
    weir_error why = {0};
    struct tls *tls = tls_client(&o, NULL, &why);
    tls_free(tls);
    if (tls)
        return WEIR_OK;
    if (options_text(file) && why.status == WEIR_INVALID)
        error_context(&why, "%s", file);
    return error_copy(err, &why);
}

static weir_status read_all(struct trust *t, const weir_tls_options *o, weir_error *err)
{
    weir_status status = read_pem(&t->roots, o->root_certificates, o->root_certificates_file,
                                  "the root certificates (tls.root_certificates)", err);
    if (status == WEIR_OK)
        status = read_pem(&t->key, o->private_key, o->private_key_file,
                          "the private key (tls.private_key)", err);
    if (status == WEIR_OK)
        status = read_pem(&t->chain, o->certificate_chain, o->certificate_chain_file,
                          "the certificate chain (tls.certificate_chain)", err);
    if (status == WEIR_OK && t->roots)
        status = judge(
            t, t->roots && !options_text(o->root_certificates) ? o->root_certificates_file : NULL,
            false, err);
    if (status == WEIR_OK && (t->key || t->chain))
        status = judge(t, options_text(o->private_key) ? NULL : o->private_key_file, true, err);
    return status;
}

/* Without a chain the certificate is in the key's PEM. */
static weir_status find_chain(struct trust *t, weir_error *err)
{
    if (!t->key || t->chain)
        return WEIR_OK;
    t->chain = mem_strdup(t->key);
    return t->chain ? WEIR_OK : error_no_memory(err);
}

/* OpenSSL's variables; libcurl by itself does not look at them. */
static weir_status from_environment(struct trust *t, weir_error *err)
{
    const char *file = options_env("SSL_CERT_FILE", (char *)NULL);
    const char *dir = options_env("SSL_CERT_DIR", (char *)NULL);
    if (t->roots)
        return WEIR_OK;
    t->file = mem_strdup(file);
    t->dir = mem_strdup(dir);
    return (t->file || !file) && (t->dir || !dir) ? WEIR_OK : error_no_memory(err);
}

weir_status trust_read(struct trust *out, const weir_tls_options *options, weir_error *err)
{
    weir_tls_options o;
    *out = (struct trust){0};
    weir_status status = options_read(&o, sizeof o, options, "WEIR_TLS", err);
    if (status == WEIR_OK)
        status = read_all(out, &o, err);
    if (status == WEIR_OK)
        status = find_chain(out, err);
    if (status == WEIR_OK)
        status = from_environment(out, err);
    if (status != WEIR_OK)
        trust_clear(out);
    return status;
}

void trust_clear(struct trust *t)
{
    secret_free_text(t->key);
    secret_free_text(t->chain);
    mem_free(t->roots);
    mem_free(t->file);
    mem_free(t->dir);
    *t = (struct trust){0};
}
