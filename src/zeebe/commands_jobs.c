/* Commands to jobs by their key. Thread: any. */
#include "zeebe/commands_send.h"

#include "core/error.h"

static const struct field complete_fields[] = {
    {FIELD_INT64, 1, FIELD_AT(weir_complete_job, job_key), .required = true},
    {FIELD_VARIABLES, 2, FIELD_AT(weir_complete_job, variables)},
    {FIELD_RESULT, 3, FIELD_AT(weir_complete_job, result)},
};
static const struct command_spec complete = {CODEC_COMPLETE_JOB,
                                             "weir_zeebe_complete_job",
                                             "WEIR_COMPLETE_JOB",
                                             FIELDS_OF(weir_complete_job, complete_fields),
                                             NULL,
                                             NULL};

weir_status weir_zeebe_complete_job(weir_zeebe *zeebe, const weir_complete_job *what,
                                    weir_ms timeout, weir_error *err)
{
    return send_command(zeebe, &complete, what, timeout, err);
}

weir_call *weir_zeebe_complete_job_start(weir_zeebe *zeebe, const weir_complete_job *what,
                                         weir_ms timeout, weir_error *err)
{
    return send_start(zeebe, &complete, what, timeout, err);
}

static const struct field fail_fields[] = {
    {FIELD_INT64, 1, FIELD_AT(weir_fail_job, job_key), .required = true},
    {FIELD_INT32, 2, FIELD_AT(weir_fail_job, retries)},
    {FIELD_TEXT, 3, FIELD_AT(weir_fail_job, message)},
    {FIELD_INT64, 4, FIELD_AT(weir_fail_job, backoff)},
    {FIELD_VARIABLES, 5, FIELD_AT(weir_fail_job, variables)},
};
static const struct command_spec fail = {CODEC_FAIL_JOB,
                                         "weir_zeebe_fail_job",
                                         "WEIR_FAIL_JOB",
                                         FIELDS_OF(weir_fail_job, fail_fields),
                                         NULL,
                                         NULL};

weir_status weir_zeebe_fail_job(weir_zeebe *zeebe, const weir_fail_job *what, weir_ms timeout,
                                weir_error *err)
{
    return send_command(zeebe, &fail, what, timeout, err);
}

weir_call *weir_zeebe_fail_job_start(weir_zeebe *zeebe, const weir_fail_job *what, weir_ms timeout,
                                     weir_error *err)
{
    return send_start(zeebe, &fail, what, timeout, err);
}

static const struct field throw_fields[] = {
    {FIELD_INT64, 1, FIELD_AT(weir_throw_error, job_key), .required = true},
    {FIELD_TEXT, 2, FIELD_AT(weir_throw_error, code), .required = true},
    {FIELD_TEXT, 3, FIELD_AT(weir_throw_error, message)},
    {FIELD_VARIABLES, 4, FIELD_AT(weir_throw_error, variables)},
};
static const struct command_spec throw_error = {CODEC_THROW_ERROR,
                                                "weir_zeebe_throw_error",
                                                "WEIR_THROW_ERROR",
                                                FIELDS_OF(weir_throw_error, throw_fields),
                                                NULL,
                                                NULL};

weir_status weir_zeebe_throw_error(weir_zeebe *zeebe, const weir_throw_error *what, weir_ms timeout,
                                   weir_error *err)
{
    return send_command(zeebe, &throw_error, what, timeout, err);
}

weir_call *weir_zeebe_throw_error_start(weir_zeebe *zeebe, const weir_throw_error *what,
                                        weir_ms timeout, weir_error *err)
{
    return send_start(zeebe, &throw_error, what, timeout, err);
}

static const struct field retries_fields[] = {
    {FIELD_INT64, 1, FIELD_AT(weir_update_retries, job_key), .required = true},
    {FIELD_INT32, 2, FIELD_AT(weir_update_retries, retries), .required = true},
    {FIELD_INT64, 3, FIELD_AT(weir_update_retries, operation_reference)},
};

static weir_status check_retries(const union command_options *o, const char *who, weir_error *err)
{
    return o->update_retries.retries > 0
               ? WEIR_OK
               : error_set(err, WEIR_INVALID, "%s(): retries must be 1 or more", who);
}

static const struct command_spec update_retries = {CODEC_UPDATE_JOB_RETRIES,
                                                   "weir_zeebe_update_retries",
                                                   "WEIR_UPDATE_RETRIES",
                                                   FIELDS_OF(weir_update_retries, retries_fields),
                                                   check_retries,
                                                   NULL};

weir_status weir_zeebe_update_retries(weir_zeebe *zeebe, const weir_update_retries *what,
                                      weir_ms timeout, weir_error *err)
{
    return send_command(zeebe, &update_retries, what, timeout, err);
}

weir_call *weir_zeebe_update_retries_start(weir_zeebe *zeebe, const weir_update_retries *what,
                                           weir_ms timeout, weir_error *err)
{
    return send_start(zeebe, &update_retries, what, timeout, err);
}

static const struct field timeout_fields[] = {
    {FIELD_INT64, 1, FIELD_AT(weir_update_timeout, job_key), .required = true},
    {FIELD_INT64, 2, FIELD_AT(weir_update_timeout, job_timeout), .required = true},
    {FIELD_INT64, 3, FIELD_AT(weir_update_timeout, operation_reference)},
};
static const struct command_spec update_timeout = {CODEC_UPDATE_JOB_TIMEOUT,
                                                   "weir_zeebe_update_timeout",
                                                   "WEIR_UPDATE_TIMEOUT",
                                                   FIELDS_OF(weir_update_timeout, timeout_fields),
                                                   NULL,
                                                   NULL};

weir_status weir_zeebe_update_timeout(weir_zeebe *zeebe, const weir_update_timeout *what,
                                      weir_ms timeout, weir_error *err)
{
    return send_command(zeebe, &update_timeout, what, timeout, err);
}

weir_call *weir_zeebe_update_timeout_start(weir_zeebe *zeebe, const weir_update_timeout *what,
                                           weir_ms timeout, weir_error *err)
{
    return send_start(zeebe, &update_timeout, what, timeout, err);
}
