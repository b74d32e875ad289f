/* credentials/cache_time.h - points in time as credentials files write them. */
#ifndef CREDENTIALS_CACHE_TIME_H
#define CREDENTIALS_CACHE_TIME_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define CACHE_TIME_SIZE sizeof "9999-12-31T23:59:59Z"

/* RFC 3339 with any fraction and offset, or seconds since the epoch (Jackson's default form).
 * Rounded down. False: neither, or no date there can be. */
bool cache_time_parse(const char *text, int64_t *seconds);
void cache_time_format(int64_t seconds, char out[CACHE_TIME_SIZE]);
#endif
