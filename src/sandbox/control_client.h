/* sandbox/control_client.h - orders to a sandbox, in this process or another, over its control
 * endpoint. `url` is what WEIR_SANDBOX says. Each blocks; `limit` is for all of it. Not from the
 * I/O thread. WEIR_INVALID: the URL, or what was ordered, is wrong; WEIR_UNREACHABLE: nobody is
 * there. */
#ifndef SANDBOX_CONTROL_CLIENT_H
#define SANDBOX_CONTROL_CLIENT_H

#include <weir/error.h>

/* Lines as sandbox/fault.h reads them. */
weir_status control_fault(const char *url, const char *lines, weir_ms limit, weir_error *err);
/* The request log as JSON lines; weir_free(). NULL: *err says why. */
char *control_requests(const char *url, weir_ms limit, weir_error *err);
/* Events, one a JSON line (sandbox/control.h). Their replay ids, a line each; weir_free(). */
char *control_emit(const char *url, const char *lines, weir_ms limit, weir_error *err);
/* What happens now to all: "salesforce kill". */
weir_status control_now(const char *url, const char *line, weir_ms limit, weir_error *err);
#endif
