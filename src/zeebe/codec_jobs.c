/* Jobs in protobuf's wire format (https://protobuf.dev/programming-guides/encoding), read and
 * written without protobuf-c: it would allocate every text by itself.
 *
 * Reading is two passes over a job's bytes: one that checks them and adds up the texts, so that the
 * caller allocates once, and one that copies. Fields that we do not know are skipped, of a field
 * that comes twice the last one counts. A NUL within a text ends it, as everywhere in this API. */
#include "zeebe/codec_jobs.h"

enum { VARINT = 0, FIXED64 = 1, BYTES = 2, FIXED32 = 5 };

/* ---- reading ----------------------------------------------------------------------------- */

struct field {
    uint32_t number;
    unsigned type;
    uint64_t value;   /* of VARINT */
    weir_bytes bytes; /* of BYTES  */
    size_t from, to;  /* of the whole field, its tag included */
};

static bool read_varint(weir_bytes in, size_t *at, uint64_t *out)
{
    const unsigned char *data = in.data;
    uint64_t value = 0;
    for (unsigned shift = 0; shift < 64 && *at < in.len; shift += 7) {
        unsigned char byte = data[(*at)++];
        value |= (uint64_t)(byte & 0x7f) << shift;
        if (!(byte & 0x80)) {
            *out = value;
            return true;
        }
    }
    return false;
}

static bool read_bytes(weir_bytes in, size_t *at, uint64_t len, weir_bytes *out)
{
    if (len > in.len - *at)
        return false;
    *out = (weir_bytes){(const char *)in.data + *at, (size_t)len};
    *at += (size_t)len;
    return true;
}

static enum codec_step read_field(weir_bytes in, size_t *at, struct field *f)
{
    uint64_t tag, len = 0;
    if (*at == in.len)
        return CODEC_END;
    *f = (struct field){.from = *at};
    if (!read_varint(in, at, &tag) || tag > UINT32_MAX || tag >> 3 == 0)
        return CODEC_BROKEN;
    f->number = (uint32_t)(tag >> 3);
    f->type = tag & 7;
    bool fine = false;
    if (f->type == VARINT)
        fine = read_varint(in, at, &f->value);
    else if (f->type == BYTES)
        fine = read_varint(in, at, &len) && read_bytes(in, at, len, &f->bytes);
    else if (f->type == FIXED64 || f->type == FIXED32)
        fine = read_bytes(in, at, f->type == FIXED64 ? 8 : 4, &f->bytes);
    f->to = *at;
    return fine ? CODEC_MORE : CODEC_BROKEN;
}

enum codec_step codec_jobs_next(weir_bytes response, size_t *at, weir_bytes *job)
{
    struct field f;
    enum codec_step step;
    while ((step = read_field(response, at, &f)) == CODEC_MORE) {
        if (f.number != 1)
            continue;
        *job = f.bytes;
        return f.type == BYTES ? CODEC_MORE : CODEC_BROKEN;
    }
    return step;
}

bool codec_is_message(weir_bytes wire)
{
    struct field f;
    enum codec_step step = CODEC_END;
    size_t at = 0;
    while (wire.len > 0 && (step = read_field(wire, &at, &f)) == CODEC_MORE) {
    }
    return step == CODEC_END;
}

/* Which member a field of ActivatedJob goes to. */
enum member { TEXT, INT64, INT32, REST, UNKNOWN };
#define AT(name) offsetof(struct job_fields, name)
static const struct {
    enum member member;
    size_t offset;
} members[] = {
    [1] = {INT64, AT(key)},
    [2] = {TEXT, AT(type)},
    [3] = {INT64, AT(process_instance_key)},
    [4] = {TEXT, AT(bpmn_process_id)},
    [5] = {INT32, AT(process_definition_version)},
    [6] = {INT64, AT(process_definition_key)},
    [7] = {TEXT, AT(element_id)},
    [8] = {INT64, AT(element_instance_key)},
    [9] = {TEXT, AT(custom_headers)},
    [10] = {TEXT, AT(worker)},
    [11] = {INT32, AT(retries)},
    [12] = {INT64, AT(deadline)},
    [13] = {TEXT, AT(variables)},
    [14] = {TEXT, AT(tenant_id)},
    [15] = {REST, 0},
    [16] = {REST, 0},
    [17] = {REST, 0},
    [18] = {REST, 0},
};
#define MEMBERS (sizeof members / sizeof *members)

static enum member member_of(const struct field *f)
{
    if (f->number == 0 || f->number >= MEMBERS)
        return UNKNOWN;
    return members[f->number].member;
}

/* Is it of the type that its number has? */
static bool well_typed(const struct field *f, enum member member)
{
    if (member == TEXT)
        return f->type == BYTES;
    return (member != INT64 && member != INT32) || f->type == VARINT;
}

size_t codec_job_room(weir_bytes wire)
{
    struct field f;
    enum codec_step step;
    size_t at = 0, room = 0;
    while ((step = read_field(wire, &at, &f)) == CODEC_MORE) {
        enum member member = member_of(&f);
        if (!well_typed(&f, member))
            return SIZE_MAX;
        if (member == TEXT)
            room += f.bytes.len + 1;
        else if (member == REST)
            room += f.to - f.from;
    }
    return step == CODEC_END ? room : SIZE_MAX;
}

static void put_text(struct job_fields *out, const struct field *f, char **room)
{
    char *text = *room;
    if (f->bytes.len)
        memcpy(text, f->bytes.data, f->bytes.len);
    text[f->bytes.len] = '\0';
    *room += f->bytes.len + 1;
    memcpy((char *)out + members[f->number].offset, &text, sizeof text);
    if (members[f->number].offset == AT(variables))
        out->variables_len = f->bytes.len;
    if (members[f->number].offset == AT(custom_headers))
        out->custom_headers_len = f->bytes.len;
}

static void put(struct job_fields *out, const struct field *f, char **room)
{
    char *place = (char *)out + members[f->number].offset;
    enum member member = members[f->number].member;
    if (member == TEXT) {
        put_text(out, f, room);
    } else if (member == INT64) {
        int64_t value = (int64_t)f->value;
        memcpy(place, &value, sizeof value);
    } else if (member == INT32) {
        int32_t value = (int32_t)(uint32_t)f->value;
        memcpy(place, &value, sizeof value);
    }
}

static void put_rest(weir_bytes wire, struct job_fields *out, char *room)
{
    struct field f;
    size_t at = 0, len = 0;
    while (read_field(wire, &at, &f) == CODEC_MORE) {
        if (member_of(&f) != REST)
            continue;
        memcpy(room + len, (const char *)wire.data + f.from, f.to - f.from);
        len += f.to - f.from;
    }
    out->rest = (weir_bytes){room, len};
}

void codec_job_read(weir_bytes wire, struct job_fields *out, char *room)
{
    static const char none[] = "";
    struct field f;
    size_t at = 0;
    bool more = false;
    *out = (struct job_fields){
        .type = none,
        .bpmn_process_id = none,
        .element_id = none,
        .custom_headers = none,
        .worker = none,
        .variables = none,
        .tenant_id = none,
    };
    while (read_field(wire, &at, &f) == CODEC_MORE) {
        enum member member = member_of(&f);
        more = more || member == REST;
        if (member != REST && member != UNKNOWN)
            put(out, &f, &room);
    }
    if (more)
        put_rest(wire, out, room);
}

/* ---- writing ----------------------------------------------------------------------------- */

static void add_varint(struct buf *out, uint64_t value)
{
    char bytes[10];
    size_t len = 0;
    for (; value > 0x7f; value >>= 7)
        bytes[len++] = (char)(unsigned char)(value | 0x80);
    bytes[len++] = (char)value;
    buf_add(out, bytes, len);
}

/* Zero is left out, as proto3 has it. */
static void add_number(struct buf *out, unsigned field, int64_t value)
{
    if (value == 0)
        return;
    add_varint(out, (uint64_t)field << 3 | VARINT);
    add_varint(out, (uint64_t)value);
}

static void add_bytes(struct buf *out, unsigned field, const void *data, size_t len)
{
    add_varint(out, (uint64_t)field << 3 | BYTES);
    add_varint(out, len);
    buf_add(out, data, len);
}

static size_t length(const char *text)
{
    return text ? strlen(text) : 0;
}

static void add_text(struct buf *out, unsigned field, const char *text)
{
    if (text && *text)
        add_bytes(out, field, text, strlen(text));
}

static void add_texts(struct buf *out, unsigned field, const char *const *texts)
{
    for (; texts && *texts; texts++)
        add_bytes(out, field, *texts, strlen(*texts));
}

void codec_activate(struct buf *out, const struct activation *a, int32_t jobs,
                    int64_t request_timeout_ms)
{
    add_text(out, 1, a->type);
    add_text(out, 2, a->worker);
    add_number(out, 3, a->timeout_ms);
    add_number(out, 4, jobs);
    add_texts(out, 5, a->fetch_variables);
    add_number(out, 6, request_timeout_ms);
    add_texts(out, 7, a->tenant_ids);
    add_number(out, 8, a->tenant_filter);
}

void codec_stream(struct buf *out, const struct activation *a)
{
    add_text(out, 1, a->type);
    add_text(out, 2, a->worker);
    add_number(out, 3, a->timeout_ms);
    add_texts(out, 5, a->fetch_variables);
    add_texts(out, 6, a->tenant_ids);
    add_number(out, 7, a->tenant_filter);
}

#define NUMBERS_ROOM 64 /* more than all tags, lengths and numbers of one of these */

void codec_complete(struct buf *out, int64_t key, const char *variables, weir_bytes result)
{
    buf_reserve(out, NUMBERS_ROOM + length(variables) + result.len);
    add_number(out, 1, key);
    add_text(out, 2, variables);
    if (result.data)
        add_bytes(out, 3, result.data, result.len);
}

void codec_fail(struct buf *out, int64_t key, int32_t retries, int64_t backoff_ms,
                const char *message, const char *variables)
{
    buf_reserve(out, NUMBERS_ROOM + length(message) + length(variables));
    add_number(out, 1, key);
    add_number(out, 2, retries);
    add_text(out, 3, message);
    add_number(out, 4, backoff_ms);
    add_text(out, 5, variables);
}

void codec_throw(struct buf *out, int64_t key, const char *code, const char *message,
                 const char *variables)
{
    buf_reserve(out, NUMBERS_ROOM + length(code) + length(message) + length(variables));
    add_number(out, 1, key);
    add_text(out, 2, code);
    add_text(out, 3, message);
    add_text(out, 4, variables);
}

void codec_timeout(struct buf *out, int64_t key, int64_t timeout_ms)
{
    add_number(out, 1, key);
    add_number(out, 2, timeout_ms);
}
