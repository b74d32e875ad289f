/* core/text.h - small encodings that several layers need. Outputs are core/mem unless they go to a
 * buf. */
#ifndef CORE_TEXT_H
#define CORE_TEXT_H

#include "core/buf.h"

/* RFC 4648, 4 and 5. `padded` false leaves the '=' out. */
void base64_add(struct buf *out, const void *data, size_t len, bool padded);
void base64url_add(struct buf *out, const void *data, size_t len); /* never padded */
/* Accepts both alphabets' own, with or without padding; false: not base64, or no
 * memory (*out_len is SIZE_MAX then). *out is mem_free()d by the caller. */
bool base64_decode(const char *text, size_t len, bool url_alphabet, void **out, size_t *out_len);

/* The SHA-1 of `data`, in Base64: what RFC 6455, 4.2.2 wants. A failure fails `out`. */
void base64_sha1_add(struct buf *out, const void *data, size_t len);

/* application/x-www-form-urlencoded, WHATWG URL, 5.2 (blank becomes '+'). */
void form_add(struct buf *out, const char *text);
/* gRPC's percent-encoding of grpc-message: only %HH is decoded, broken sequences stay as they are.
 */
void percent_decode(struct buf *out, const char *text, size_t len);
/* Everything outside 0x20-0x7E and '%' as %HH. */
void percent_encode(struct buf *out, const char *text, size_t len);

/* The length of the UTF-8 character at `text` (RFC 3629, 4); 0: none, or cut short. */
size_t text_utf8_step(const char *text, size_t len);
bool text_is_utf8(const char *text, size_t len);
/* Blanks and control characters folded so that a peer's words fit a line of an error; at most `max`
 * bytes. */
void text_fold(struct buf *out, const char *text, size_t len, size_t max);
/* A whole decimal number in [low, high]; false otherwise. No blanks, no '+'. */
bool text_number(const char *text, int64_t low, int64_t high, int64_t *out);
bool text_equal_nocase(const char *a, const char *b); /* ASCII only */
/* Of `names` (ended by NULL) the one with the smallest edit distance, if it is near enough to be
 * meant. */
const char *text_nearest(const char *text, const char *const *names);
#endif
