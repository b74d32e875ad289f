/* cli/metadata.h - gRPC metadata on the command line and on the screen. */
#ifndef CLI_METADATA_H
#define CLI_METADATA_H

#include "cli/parse.h"

#include <weir/zeebe.h>

/* What --header gave, as a list ended by a NULL name. */
struct headers {
    weir_metadata *list;
    size_t count;
    struct str *texts; /* what the list points into */
};

/* Every "name: value" of --header, the name in lower case, the value of a NAME-bin decoded from
 * base64, as grpcurl does. WEIR_INVALID says which is malformed. headers_free() in any case. */
weir_status headers_read(struct headers *out, const struct args *args, weir_error *err);
void headers_free(struct headers *headers);
bool headers_have(const struct headers *headers, const char *name);
/* Is there one that says who we are? */
bool headers_have_secret(const struct headers *headers);

/* Lines "name: value" as grpcurl prints them, "(empty)" when there are none: binary values as
 * base64, what tells a secret as ***, control characters as \xNN. */
void metadata_show(struct str *out, const weir_metadata *list, size_t count);
/* Does a value of this name tell who somebody is? */
bool metadata_is_secret(const char *name);
#endif
