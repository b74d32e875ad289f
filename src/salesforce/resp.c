/* https://redis.io/docs/latest/develop/reference/protocol-spec/ (RESP2) */
#include "salesforce/resp.h"

#include "core/text.h"

#define LINE_MAX_LEN ((size_t)8 * 1024) /* an error's text */

struct input {
    const char *at;
    size_t left;
};

/* A line without its CR LF. */
static enum resp_state take_line(struct input *in, const char **line, size_t *len)
{
    size_t most = in->left < LINE_MAX_LEN ? in->left : LINE_MAX_LEN;
    if (most == 0)
        return RESP_MORE;
    const char *end = memchr(in->at, '\n', most);
    if (!end)
        return most == LINE_MAX_LEN ? RESP_BROKEN : RESP_MORE;
    if (end == in->at || end[-1] != '\r')
        return RESP_BROKEN;
    *line = in->at;
    *len = (size_t)(end - in->at) - 1;
    in->left -= (size_t)(end - in->at) + 1;
    in->at = end + 1;
    return memchr(*line, '\r', *len) ? RESP_BROKEN : RESP_READY;
}

static bool number_of(const char *line, size_t len, int64_t low, int64_t high, int64_t *out)
{
    char digits[24];
    if (len >= sizeof digits || memchr(line, '\0', len))
        return false;
    memcpy(digits, line, len);
    digits[len] = '\0';
    return text_number(digits, low, high, out);
}

/* What follows "$LENGTH". */
static enum resp_state take_bulk(struct input *in, size_t len, struct resp_value *out)
{
    if (in->left < len + 2)
        return RESP_MORE;
    *out = (struct resp_value){.type = RESP_TEXT, .text = in->at, .len = len};
    if (memcmp(in->at + len, "\r\n", 2) != 0)
        return RESP_BROKEN;
    in->at += len + 2;
    in->left -= len + 2;
    return RESP_READY;
}

/* By the first character of a line. */
static const struct kind {
    char first;
    enum resp_type type;
    bool number; /* the rest is one, */
    int64_t low, high;
} kinds[] = {
    {'+', RESP_TEXT, false, 0, 0},
    {'-', RESP_ERROR, false, 0, 0},
    {':', RESP_NUMBER, true, INT64_MIN, INT64_MAX},
    {'$', RESP_TEXT, true, -1, RESP_ANSWER_MAX},
    {'*', RESP_LIST, true, -1, RESP_ITEMS},
};

static const struct kind *kind_of(const char *line, size_t len)
{
    for (size_t i = 0; len > 0 && i < sizeof kinds / sizeof *kinds; i++) {
        if (kinds[i].first == line[0])
            return &kinds[i];
    }
    return NULL;
}

/* A value that is no list; of a list `number` is how many follow. */
static enum resp_state take_value(struct input *in, struct resp_value *out)
{
    const char *line = NULL;
    size_t len = 0;
    enum resp_state state = take_line(in, &line, &len);
    if (state != RESP_READY)
        return state;
    const struct kind *kind = kind_of(line, len);
    if (!kind)
        return RESP_BROKEN;
    *out = (struct resp_value){.type = kind->type, .text = line + 1, .len = len - 1};
    if (!kind->number)
        return RESP_READY;
    if (!number_of(line + 1, len - 1, kind->low, kind->high, &out->number))
        return RESP_BROKEN;
    if (out->number < 0 && kind->type != RESP_NUMBER)
        out->type = RESP_NIL;
    return out->type == RESP_TEXT ? take_bulk(in, (size_t)out->number, out) : RESP_READY;
}

enum resp_state resp_parse(const char *data, size_t len, struct resp *out, size_t *used)
{
    struct input in = {data, len < RESP_ANSWER_MAX ? len : RESP_ANSWER_MAX};
    *out = (struct resp){0};
    enum resp_state state = take_value(&in, &out->is);
    if (state == RESP_READY && out->is.type == RESP_LIST)
        out->count = (size_t)out->is.number;
    for (size_t i = 0; i < out->count && state == RESP_READY; i++) {
        state = take_value(&in, &out->items[i]);
        if (state == RESP_READY && out->items[i].type == RESP_LIST)
            state = RESP_BROKEN;
    }
    *used = (size_t)(in.at - data);
    return state == RESP_MORE && len >= RESP_ANSWER_MAX ? RESP_BROKEN : state;
}

bool resp_is(const struct resp_value *value, const char *text)
{
    return value->type == RESP_TEXT && value->len == strlen(text) &&
           memcmp(value->text, text, value->len) == 0;
}

void resp_begin(struct buf *out, size_t count)
{
    buf_addf(out, "*%zu\r\n", count);
}

void resp_add(struct buf *out, const void *data, size_t len)
{
    buf_addf(out, "$%zu\r\n", len);
    buf_add(out, data, len);
    buf_add(out, "\r\n", 2);
}

void resp_adds(struct buf *out, const char *text)
{
    resp_add(out, text, strlen(text));
}
