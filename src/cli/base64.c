/* Three bytes are four letters. */
#include "cli/base64.h"

#include <string.h>

static const char letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

void cli_base64_encode(struct str *out, const void *data, size_t len)
{
    const unsigned char *bytes = data;
    for (size_t at = 0; at < len; at += 3) {
        size_t have = len - at < 3 ? len - at : 3;
        unsigned group = (unsigned)bytes[at] << 16;
        group |= have > 1 ? (unsigned)bytes[at + 1] << 8 : 0;
        group |= have > 2 ? (unsigned)bytes[at + 2] : 0;
        char four[4] = {letters[group >> 18], letters[group >> 12 & 63], letters[group >> 6 & 63],
                        letters[group & 63]};
        memset(four + have + 1, '=', 3 - have);
        str_add_bytes(out, four, sizeof four);
    }
}

bool cli_base64_decode(struct str *out, const char *text)
{
    size_t len = strlen(text);
    size_t padding = 0;
    while (padding < 2 && padding < len && len % 4 == 0 && text[len - 1 - padding] == '=')
        padding++;
    unsigned group = 0, bits = 0;
    for (size_t i = 0; i < len - padding; i++) {
        const char *letter = strchr(letters, text[i]);
        if (!letter)
            return false;
        group = (group << 6 | (unsigned)(letter - letters)) & 0xFFFFFF;
        bits += 6;
        if (bits >= 8) {
            bits -= 8;
            char byte = (char)(group >> bits & 0xFF);
            str_add_bytes(out, &byte, 1);
        }
    }
    return bits < 6;
}
