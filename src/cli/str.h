/* cli/str.h - a text that grows, for what the program prints. Running out of memory ends the
 * program (status 71): a command has nothing useful left to do then. */
#ifndef CLI_STR_H
#define CLI_STR_H

#include <stdarg.h>
#include <weir/base.h>

struct str {
    char *data; /* ended by NUL; NULL while nothing was added */
    size_t len, capacity;
};

void str_add(struct str *str, const char *text);
void str_add_bytes(struct str *str, const char *bytes, size_t len);
void str_addf(struct str *str, const char *fmt, ...) WEIR_PRINTF(2, 3);
void str_vaddf(struct str *str, const char *fmt, va_list values) WEIR_PRINTF(2, 0);
/* A JSON string with its quotes; what is no UTF-8 becomes U+FFFD. */
void str_add_json(struct str *str, const char *text);
/* Is all of the text well-formed UTF-8? */
bool str_is_utf8(const char *text);
/* Bytes as text: what is no UTF-8, and NUL, becomes U+FFFD. */
void str_add_utf8(struct str *str, const char *bytes, size_t len);
const char *str_text(const struct str *str); /* "" when nothing was added */
void str_clear(struct str *str);
/* Wipes what is there: a str may have held a token. */
void str_free(struct str *str);

/* Memory that is there; end with release_memory(). */
void *memory_or_exit(void *old, size_t count, size_t size);
char *copy_or_exit(const char *text, size_t len);
void release_memory(void *memory);
#endif
