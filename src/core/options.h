/* core/options.h - reading option structs of any age. */
#ifndef CORE_OPTIONS_H
#define CORE_OPTIONS_H

#include <weir/error.h>

/* Copies `in` (whose first member is its size_t struct_size) over `out` of `size` bytes, zeros for
 * what an older program does not have. NULL gives all zeros. A longer struct is accepted when its
 * unknown tail is zero, else WEIR_UNSUPPORTED; `macro` is the name a caller should have used. */
weir_status options_read(void *out, size_t size, const void *in, const char *macro,
                         weir_error *err);
/* value, or `fallback` when it is 0; WEIR_ZERO gives 0. */
int64_t options_number(int64_t value, int64_t fallback);
/* A time limit in an option: 0 and WEIR_DEFAULT_TIMEOUT stand for `usual`, WEIR_ZERO for none left.
 * WEIR_INVALID, naming the `option`: another negative number than WEIR_FOREVER. */
weir_status options_limit(weir_ms value, weir_ms usual, const char *option, weir_ms *limit,
                          weir_error *err);

/* text unless NULL, "" or WEIR_OMIT. */
const char *options_text(const char *text);
/* The first of the variables (ended by NULL) that is set and not empty, or NULL. */
const char *options_env(const char *first, ...) __attribute__((sentinel));
/* NAME, or the text of the file that NAME_FILE names, without its final newline. Release with
 * secret_free_text(). *value NULL: neither is set. */
weir_status options_secret_env(const char *name, char **value, weir_error *err);
#endif
