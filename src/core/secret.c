/* Secrets: immutable, terminated, wiped. */
#include "core/secret.h"

#include "core/mem.h"

#include <string.h>

struct secret {
    size_t len;
    char text[];
};

struct secret *secret_new(const char *text, size_t len)
{
    struct secret *s = text ? mem_zalloc(sizeof *s + len + 1) : NULL;
    if (!s)
        return NULL;
    s->len = len;
    memcpy(s->text, text, len);
    return s;
}

struct secret *secret_dup(const struct secret *s)
{
    return s ? secret_new(s->text, s->len) : NULL;
}

const char *secret_reveal(const struct secret *s)
{
    return s ? s->text : NULL;
}

size_t secret_len(const struct secret *s)
{
    return s ? s->len : 0;
}

bool secret_equal(const struct secret *a, const struct secret *b)
{
    if (!a || !b || a->len != b->len)
        return a == b;
    unsigned char differ = 0;
    for (size_t i = 0; i < a->len; i++)
        differ |= (unsigned char)(a->text[i] ^ b->text[i]);
    return differ == 0;
}

void secret_free(struct secret *s)
{
    if (!s)
        return;
    secret_wipe(s->text, s->len);
    mem_free(s);
}

void secret_wipe(void *memory, size_t size)
{
    if (memory)
        explicit_bzero(memory, size);
}

void secret_free_text(char *text)
{
    if (!text)
        return;
    secret_wipe(text, strlen(text));
    mem_free(text);
}
