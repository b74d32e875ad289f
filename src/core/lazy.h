/* core/lazy.h - libraries that are loaded when first needed, because loading them costs every
 * program megabytes and milliseconds that a plaintext Zeebe channel must not pay (docs/decisions).
 */
#ifndef CORE_LAZY_H
#define CORE_LAZY_H

#include <weir/error.h>

struct lazy_symbol {
    const char *name;
    void (**function)(void);
};

/* Loads `soname` and fills every symbol (ended by a NULL name). WEIR_UNSUPPORTED names the library
 * and the Debian package to install. Not thread-safe by itself: call under a pthread_once or a
 * lock. */
weir_status lazy_load(const char *soname, const char *package, const struct lazy_symbol *symbols,
                      weir_error *err);
#endif
