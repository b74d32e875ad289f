/* cli/commands.h - what each command does. Each returns the exit status; what failed has been said.
 */
#ifndef CLI_COMMANDS_H
#define CLI_COMMANDS_H

#include "cli/parse.h"

/* Those of zeebe_commands.c. */
extern const struct command command_zeebe_status, command_zeebe_health, command_zeebe_config,
    command_zeebe_call, command_token;
/* Those of zeebe_process_commands.c. */
extern const struct command command_zeebe_deploy, command_zeebe_delete_resource,
    command_zeebe_create_instance, command_zeebe_cancel_instance, command_zeebe_modify_instance,
    command_zeebe_migrate_instance, command_zeebe_set_variables, command_zeebe_resolve_incident,
    command_zeebe_evaluate_decision;
/* Those of zeebe_job_commands.c. */
extern const struct command command_zeebe_activate_jobs, command_zeebe_complete_job,
    command_zeebe_fail_job, command_zeebe_throw_error, command_zeebe_update_retries,
    command_zeebe_update_timeout, command_zeebe_publish_message, command_zeebe_broadcast_signal;
/* Of work_commands.c. */
extern const struct command command_zeebe_work;
/* Those of salesforce_commands.c and bayeux_commands.c. */
extern const struct command command_salesforce_listen, command_salesforce_publish,
    command_salesforce_token, command_salesforce_probe, command_bayeux_listen,
    command_bayeux_publish;
/* Those of sandbox_commands.c. */
extern const struct command command_sandbox, command_sandbox_fault, command_sandbox_requests,
    command_sandbox_emit, command_sandbox_now;

int help_run(const struct args *args);
int version_run(const struct args *args);
int completion_run(const struct args *args);
int generate_completion_run(const struct args *args);
int generate_man_run(const struct args *args);
int token_run(const struct args *args);
int zeebe_config_run(const struct args *args);
int zeebe_status_run(const struct args *args);
int zeebe_health_run(const struct args *args);
int zeebe_call_run(const struct args *args);
int zeebe_work_run(const struct args *args);
int salesforce_listen_run(const struct args *args);
int salesforce_publish_run(const struct args *args);
int salesforce_token_run(const struct args *args);
int salesforce_probe_run(const struct args *args);
int bayeux_listen_run(const struct args *args);
int bayeux_publish_run(const struct args *args);
int sandbox_run(const struct args *args);
int sandbox_fault_run(const struct args *args);
int sandbox_requests_run(const struct args *args);
int sandbox_emit_run(const struct args *args);
int sandbox_now_run(const struct args *args);
#endif
