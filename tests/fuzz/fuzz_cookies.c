/* An URL, a line end, then libcurl's lines of cookies: whatever they hold, what is sent is one line
 * of pairs, each from one of the lines. */
#include "core/mem.h"
#include "http/http_private.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define LINES_MAX 100

static size_t cut(char *text, struct curl_slist *list)
{
    size_t count = 0;
    char *rest = NULL;
    for (char *line = strtok_r(text, "\n", &rest); line && count < LINES_MAX;
         line = strtok_r(NULL, "\n", &rest)) {
        list[count] = (struct curl_slist){.data = line};
        if (count)
            list[count - 1].next = &list[count];
        count++;
    }
    return count;
}

static void check(const struct buf *out, size_t lines)
{
    size_t pairs = out->len > 0;
    for (const char *at = out->data; at && (at = strstr(at, "; ")) != NULL; at += 2)
        pairs++;
    if (out->failed || (lines == 0 && pairs > 0) || (out->data && strchr(out->data, '\n')))
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct curl_slist list[LINES_MAX];
    struct url url;
    struct buf out = BUF_INIT((size_t)4 * 1024 * 1024);
    char *text = mem_dup(data, size);
    char *end = strchr(text, '\n');
    if (end)
        *end = '\0';
    if (url_parse(&url, text, "the URL", NULL) == WEIR_OK) {
        size_t lines = end ? cut(end + 1, list) : 0;
        cookies_write(&out, lines ? list : NULL, &url, 1700000000);
        check(&out, lines);
    }
    url_clear(&url);
    buf_free(&out);
    mem_free(text);
    return 0;
}
