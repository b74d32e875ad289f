/* Libraries that are loaded when first needed. What was loaded stays: its functions are kept in
 * variables for the rest of the process. */
#include "core/lazy.h"

#include "core/error.h"

#include <dlfcn.h>
#include <string.h>

static weir_status fill(void *library, const char *soname, const char *package,
                        const struct lazy_symbol *symbols, weir_error *err)
{
    for (; symbols->name; symbols++) {
        void *found = dlsym(library, symbols->name);
        if (!found)
            return error_set(err, WEIR_UNSUPPORTED,
                             "%s has no function %s: it is too old; install a newer package %s",
                             soname, symbols->name, package);
        memcpy(symbols->function, &found, sizeof found); /* POSIX dlsym: same representation */
    }
    return error_ok(err);
}

weir_status lazy_load(const char *soname, const char *package, const struct lazy_symbol *symbols,
                      weir_error *err)
{
    void *library = dlopen(soname, RTLD_NOW | RTLD_LOCAL);
    if (!library) {
        const char *why = dlerror();
        return error_set(err, WEIR_UNSUPPORTED, "cannot load %s (%s); install the package %s",
                         soname, why ? why : "unknown reason", package);
    }
    weir_status status = fill(library, soname, package, symbols, err);
    if (status != WEIR_OK)
        dlclose(library);
    return status;
}
