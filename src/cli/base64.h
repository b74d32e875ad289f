/* cli/base64.h - base64 (RFC 4648, 4), as gRPC writes binary metadata. Pure; any thread. */
#ifndef CLI_BASE64_H
#define CLI_BASE64_H

#include "cli/str.h"

void cli_base64_encode(struct str *out, const void *data, size_t len);
/* With or without padding; false: it is no base64. */
bool cli_base64_decode(struct str *out, const char *text);
#endif
