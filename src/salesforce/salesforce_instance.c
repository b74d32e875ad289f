/* Instance URLs come from the token endpoint or from people; either way a token is sent there, so
 * they are looked at closely. The organisation's id has two spellings, 15 characters that count by
 * case and 18 that do not; a store must know both as one, so the short one is used. */
#include "salesforce/salesforce_instance.h"

#include "core/error.h"
#include "core/mem.h"
#include "core/options.h"
#include "core/url.h"
#include "io/resolve.h"

#include <string.h>

#define ORGANISATION_LEN 15

static weir_status check(const struct url *url, bool allow_plaintext, weir_error *err)
{
    bool tls = strcmp(url->scheme, "https") == 0;
    if (!tls && strcmp(url->scheme, "http") != 0)
        return error_set(err, WEIR_INVALID,
                         "the instance URL's scheme '%s' is neither https nor "
                         "http",
                         url->scheme);
    if (url->userinfo || strcmp(url->target, "/") != 0)
        return error_set(err, WEIR_INVALID,
                         "the instance URL of '%s' has more than scheme, host and port", url->host);
    if (!tls && !allow_plaintext && !host_is_loopback(url->host))
        return error_set(err, WEIR_UNSUPPORTED,
                         "the instance URL is http: the token would travel in plaintext to '%s'; "
                         "use https, or allow it explicitly (allow_plaintext)",
                         url->host);
    return WEIR_OK;
}

static const char *find(const char *given, const weir_token *token)
{
    const char *from_token = token ? options_text(weir_token_field(token, "instance_url")) : NULL;
    if (options_text(given))
        return given;
    return from_token ? from_token : options_env("SALESFORCE_INSTANCE_URL", (char *)NULL);
}

char *instance_url(const char *given, const weir_token *token, bool allow_plaintext,
                   weir_error *err)
{
    struct url url = {0};
    const char *text = find(given, token);
    if (!text) {
        (void)error_set(err, WEIR_MISSING,
                        "the instance URL is nowhere: the token does not say it; give "
                        "instance_url, or set SALESFORCE_INSTANCE_URL");
        return NULL;
    }
    size_t len = strlen(text);
    while (len > 0 && text[len - 1] == '/')
        len--;
    char *out = mem_dup(text, len);
    if (!out) {
        (void)error_no_memory(err);
        return NULL;
    }
    weir_status status = url_parse(&url, out, "the instance URL", err);
    if (status == WEIR_OK)
        status = check(&url, allow_plaintext, err);
    url_clear(&url);
    if (status == WEIR_OK)
        return out;
    mem_free(out);
    return NULL;
}

weir_status instance_version(const char *given, const char **out, weir_error *err)
{
    *out = options_text(given);
    if (!*out)
        *out = options_env("SALESFORCE_API_VERSION", (char *)NULL);
    if (!*out)
        *out = API_VERSION;
    size_t digits = strspn(*out, "0123456789");
    if (digits > 0 && digits < 4 && strcmp(*out + digits, ".0") == 0)
        return WEIR_OK;
    return error_set(err, WEIR_INVALID, "the API version '%.40s' is not of the form 67.0", *out);
}

/* The segment behind "/id/"; 0: there is none that can be an organisation's. */
static size_t organisation_in(const char *id, const char **out)
{
    const char *at = id ? strstr(id, "/id/") : NULL;
    if (!at)
        return 0;
    *out = at + 4;
    size_t len = strspn(*out, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789");
    bool whole = (*out)[len] == '/' || (*out)[len] == '\0';
    return whole && (len == ORGANISATION_LEN || len == ORGANISATION_LEN + 3) ? len : 0;
}

char *instance_organisation(const weir_token *token, const char *url)
{
    const char *found = NULL;
    if (organisation_in(token ? weir_token_field(token, "id") : NULL, &found) > 0)
        return mem_dup(found, ORGANISATION_LEN);
    struct url parts = {0};
    char *host = NULL;
    if (url_parse(&parts, url, "the instance URL", NULL) == WEIR_OK)
        host = mem_strdup(parts.host);
    url_clear(&parts);
    return host;
}
