/* From an options struct to a request, by its table. What is left zero is not sent, which to the
 * other side is the same. A pure function of what it is given.
 *
 * Thread: the caller's. */
#include "zeebe/commands_fields.h"

#include "core/error.h"
#include "core/json.h"
#include "core/mem.h"
#include "core/options.h"
#include "core/text.h"
#include "zeebe/codec.h"
#include "zeebe/commands_wire.h"

#include <string.h>

/* Where a field is written, and how to name it when it cannot be. */
struct writer {
    struct buf *out;
    const char *who;
    weir_error *err;
    char inside[64]; /* "activate[1]." */
};

static weir_status refuse(const struct writer *w, const struct field *f, const char *why)
{
    return error_set(w->err, WEIR_INVALID, "%s(): %s%s %s", w->who, w->inside, f->name, why);
}

/* ---- reading members ---------------------------------------------------------------------- */

static const void *at(const void *from, const struct field *f)
{
    return (const char *)from + f->offset;
}

static const char *text_at(const void *from, const struct field *f)
{
    return *(const char *const *)at(from, f);
}

static int64_t number_at(const void *from, const struct field *f)
{
    if (f->kind == FIELD_INT32)
        return *(const int32_t *)at(from, f);
    if (f->kind == FIELD_BOOL)
        return *(const bool *)at(from, f);
    return *(const int64_t *)at(from, f);
}

static bool is_number(const struct field *f)
{
    return f->kind == FIELD_INT32 || f->kind == FIELD_INT64 || f->kind == FIELD_BOOL;
}

static bool is_set(const void *from, const struct field *f)
{
    return is_number(f) ? number_at(from, f) != 0 : text_at(from, f) != NULL;
}

static bool is_end(const void *element, const struct fields *fields)
{
    bool set = false;
    for (size_t i = 0; i < fields->count && !set; i++)
        set = is_set(element, &fields->list[i]);
    return !set;
}

/* ---- writing one -------------------------------------------------------------------------- */

static weir_status write_text(const struct writer *w, const struct field *f, unsigned number,
                              const char *text)
{
    size_t len = strlen(text);
    if (!text_is_utf8(text, len))
        return refuse(w, f, "is not UTF-8");
    wire_bytes(w->out, number, text, len);
    return WEIR_OK;
}

weir_status fields_check_variables(const char *text, const char *name, const char *who,
                                   weir_error *err)
{
    weir_status status = json_check_object(text, strlen(text), name, err);
    if (status == WEIR_OK)
        return WEIR_OK;
    error_context(err, "%s()", who);
    if (err && status == WEIR_INVALID)
        err->kind = WEIR_KIND_INVALID_VARIABLES;
    return status;
}

static weir_status write_variables(const struct writer *w, const struct field *f, const char *text)
{
    char name[sizeof w->inside + 32];
    (void)snprintf(name, sizeof name, "%s%s", w->inside, f->name);
    weir_status status = fields_check_variables(text, name, w->who, w->err);
    if (status == WEIR_OK)
        wire_bytes(w->out, f->number, text, strlen(text));
    return status;
}

static weir_status write_result(const struct writer *w, const struct field *f, const char *text)
{
    char *wire = NULL;
    size_t len = 0;
    weir_status status = codec_job_result(text, &wire, &len, w->err);
    if (status == WEIR_OK)
        wire_bytes(w->out, f->number, wire, len);
    else
        error_context(w->err, "%s(): %s", w->who, f->name);
    mem_free(wire);
    return status;
}

static weir_status write_texts(const struct writer *w, const struct field *f,
                               const char *const *texts)
{
    weir_status status = WEIR_OK;
    for (; *texts && status == WEIR_OK; texts++)
        status = write_text(w, f, f->number, *texts);
    return status;
}

static weir_status write_ids(const struct writer *w, const struct field *f, const char *const *ids)
{
    weir_status status = WEIR_OK;
    for (; *ids && status == WEIR_OK; ids++) {
        size_t outer = wire_open(w->out, f->number);
        size_t inner = f->depth > 1 ? wire_open(w->out, 1) : outer;
        status = write_text(w, f, 1, *ids);
        if (f->depth > 1)
            wire_close(w->out, inner);
        wire_close(w->out, outer);
    }
    return status;
}

static weir_status write_number(const struct writer *w, const struct field *f, int64_t given)
{
    int64_t value = options_number(given, f->usual);
    bool named = given == WEIR_ZERO || value == f->usual;
    if (value < 0 && !named)
        return refuse(w, f, "is negative");
    if (value != 0 || given == WEIR_ZERO)
        wire_int(w->out, f->number, value);
    return WEIR_OK;
}

static weir_status write_all(const struct writer *w, const struct fields *fields, const void *from);

static weir_status write_list(const struct writer *w, const struct field *f, const char *element)
{
    weir_status status = WEIR_OK;
    struct writer inside = *w;
    for (size_t i = 0; status == WEIR_OK && !is_end(element, f->inner); i++) {
        (void)snprintf(inside.inside, sizeof inside.inside, "%.30s%s[%zu].", w->inside, f->name, i);
        size_t opened = wire_open(w->out, f->number);
        status = write_all(&inside, f->inner, element);
        wire_close(w->out, opened);
        element += f->inner->size;
    }
    return status;
}

/* ---- writing all -------------------------------------------------------------------------- */

static weir_status write_pointer(const struct writer *w, const struct field *f, const void *member)
{
    switch (f->kind) {
    case FIELD_TEXT:
        return *(const char *)member || f->present ? write_text(w, f, f->number, member) : WEIR_OK;
    case FIELD_VARIABLES:
        return write_variables(w, f, member);
    case FIELD_RESULT:
        return write_result(w, f, member);
    case FIELD_TEXTS:
        return write_texts(w, f, member);
    case FIELD_IDS:
        return write_ids(w, f, member);
    default:
        return write_list(w, f, member);
    }
}

static weir_status write_field(const struct writer *w, const struct field *f, const void *from)
{
    if (is_number(f)) {
        int64_t given = number_at(from, f);
        return f->required && given == 0 ? refuse(w, f, "is missing") : write_number(w, f, given);
    }
    const char *member = text_at(from, f);
    if (f->required && (!member || (f->kind == FIELD_TEXT && !*member)))
        return refuse(w, f, "is missing");
    return member ? write_pointer(w, f, member) : WEIR_OK;
}

static weir_status write_all(const struct writer *w, const struct fields *fields, const void *from)
{
    weir_status status = WEIR_OK;
    for (size_t i = 0; i < fields->count && status == WEIR_OK; i++)
        status = write_field(w, &fields->list[i], from);
    return status;
}

weir_status fields_write(struct buf *out, const struct fields *fields, const void *from,
                         const char *who, weir_error *err)
{
    struct writer w = {.out = out, .who = who, .err = err};
    return write_all(&w, fields, from);
}
