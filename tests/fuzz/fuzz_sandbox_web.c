/* Any bytes as the head of an HTTP request: what is accepted has one reading only, and the same
 * bytes in pieces are understood alike. */
#include "core/mem.h"
#include "sandbox/web_parse.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must_be_a_line(const char *text)
{
    if (strpbrk(text, "\r\n"))
        abort();
}

static void check(const struct web_head *head, size_t size)
{
    if (head->len > size || head->body_len > WEB_BODY_MAX || head->target[0] != '/')
        abort();
    must_be_a_line(head->method);
    must_be_a_line(head->target);
    for (size_t i = 0; i < head->header_count; i++) {
        must_be_a_line(head->headers[i].name);
        must_be_a_line(head->headers[i].value);
        if (!*head->headers[i].name || web_head_find(head, head->headers[i].name) == NULL)
            abort();
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const char *why = NULL;
    struct web_head head;
    char *text = mem_dup(data, size); /* a block of its own: reading past it is seen */
    int status = web_head_parse(&head, text, size, &why);
    size_t len = head.len;
    if (status == 200) {
        check(&head, size);
        web_head_clear(&head);
        if (web_head_parse(&head, text, len - 1, &why) != 0)
            abort();
        if (web_head_parse(&head, text, len, &why) != 200)
            abort();
        web_head_clear(&head);
    } else if (status != 0 && (status < 400 || !why || !*why)) {
        abort();
    }
    mem_free(text);
    return 0;
}
