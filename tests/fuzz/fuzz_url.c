/* Any text as a URL and as HOST:PORT: accepted parts hold nothing that could split a header or a
 * request line, and the userinfo never shows in an error. */
#include "core/mem.h"
#include "core/url.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must_be_plain(const char *text)
{
    for (; *text; text++) {
        if ((unsigned char)*text <= 0x20 || *text == 0x7f)
            abort();
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *text = mem_dup(data, size);
    struct url url = {0};
    char *host = NULL;
    uint16_t port = 0;
    weir_error err = {0};
    if (url_parse(&url, text, "the URL", &err) == WEIR_OK) {
        if (!*url.host || url.target[0] != '/')
            abort();
        must_be_plain(url.host);
        must_be_plain(url.target);
    } else if (err.status != WEIR_INVALID || !err.message[0]) {
        abort();
    }
    url_clear(&url);
    if (hostport_parse(text, 443, "the address", &host, &port, &err) == WEIR_OK) {
        if (!*host || port == 0)
            abort();
        must_be_plain(host);
    }
    mem_free(host);
    mem_free(text);
    return 0;
}
