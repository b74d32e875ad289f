/* cli/option_names.h - the library's errors speak of its options; people have given flags and
 * variables. For errors of opening something, which hold no words of a server. */
#ifndef CLI_OPTION_NAMES_H
#define CLI_OPTION_NAMES_H

#include <weir/error.h>

/* An array of them ends with a NULL option; the first that fits counts. */
struct option_name {
    const char *option; /* "token_url" */
    const char *name;   /* "--authz-url", "CAMUNDA_OAUTH_URL"; NULL: it stays */
};

/* Each option that stands in the message as a word of its own is called by its name. Then the
 * same for what is called alike everywhere. */
void option_names_replace(weir_error *err, const struct option_name *names);
#endif
