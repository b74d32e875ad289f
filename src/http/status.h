/* http/status.h - HTTP statuses to weir_error: 401 BAD_LOGIN, 403 FORBIDDEN, 404 NOT_FOUND, 408
 * TIMEOUT, 409 CONFLICT, 429 BUSY, 400 INVALID, 502 503 504 UNREACHABLE, other 4xx and 5xx REFUSED,
 * 3xx REFUSED naming the target, anything else PROTOCOL. */
#ifndef HTTP_STATUS_H
#define HTTP_STATUS_H

#include "http/http.h"

const char *status_http_phrase(int status); /* "Service Unavailable"; "" for an unknown number */
/* "WHAT: the server answered 503 Service Unavailable: FIRST WORDS OF THE BODY". */
weir_status status_http_answer(weir_error *err, const struct http_answer *answer, const char *what);
#endif
