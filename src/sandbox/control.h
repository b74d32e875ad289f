/* sandbox/control.h - how a running sandbox is told what to do: HTTP on loopback, never encrypted,
 * under a path that nobody can guess (a page in a browser can reach every port of loopback).
 *
 *   POST URL/fault      lines as sandbox/fault.h reads them; 204, or 400 and what is wrong with it
 *   GET  URL/requests   the request log as JSON lines
 *   POST URL/emit       events, one a JSON line: {"service","channel","data"} and what else struct
 *                       salesforce_emission has; 200 and their replay ids, a line each
 *   POST URL/now        a line as salesforce_order() reads it; 204
 *
 * @thread io, but for control_client.h, which is the other side. */
#ifndef SANDBOX_CONTROL_H
#define SANDBOX_CONTROL_H

#include "sandbox/service.h"

#define CONTROL_SECRET_MAX 32

struct control;

struct control *control_open(struct common *common, uint16_t port, weir_error *err);
void control_close(struct control *control);
/* "http://127.0.0.1:40000/SECRET", good as long as it is open. */
const char *control_url(const struct control *control);
#endif
