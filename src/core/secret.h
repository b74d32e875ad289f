/* core/secret.h - text that nobody may see: no format function takes it, and it is wiped when
 * freed. */
#ifndef CORE_SECRET_H
#define CORE_SECRET_H

#include <stdbool.h>
#include <stddef.h>

struct secret; /* immutable */

struct secret *secret_new(const char *text, size_t len); /* NULL: no memory, or text is NULL */
struct secret *secret_dup(const struct secret *s);
const char *secret_reveal(
    const struct secret *s); /* NUL-terminated; NULL gives NULL. Never log it */
size_t secret_len(const struct secret *s);
bool secret_equal(const struct secret *a,
                  const struct secret *b); /* constant time for equal lengths */
void secret_free(struct secret *s);

void secret_wipe(void *memory, size_t size); /* not optimised away */
void secret_free_text(char *text); /* wipes a NUL-terminated text of core/mem, then frees it */
#endif
