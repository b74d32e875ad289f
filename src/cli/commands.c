/* Every command there is, as data. The order is the order of help. */
#include "cli/commands.h"

#include "cli/groups.h"

static const struct command help = {
    .path = "help",
    .also = "zeebe help",
    .args = "[COMMAND...]",
    .max_args = 4,
    .summary = "Help about a command, as --help prints it",
    .hidden = true,
    .run = help_run,
};

static const struct command version = {
    .path = "version",
    .also = "zeebe version",
    .args = "",
    .summary = "Print the version",
    .examples = "weir version\nweir --version",
    .run = version_run,
};

static const struct command completion = {
    .path = "completion",
    .also = "zeebe completion",
    .args = "bash|zsh|fish",
    .min_args = 1,
    .max_args = 1,
    .summary = "Print a completion script for a shell",
    .about = "The script completes commands, flags and the values of flags, for weir and for a "
             "link to it named zbctl.",
    .examples = "weir completion bash > ~/.local/share/bash-completion/completions/weir\n"
                "weir completion zsh > ~/.zfunc/_weir\n"
                "weir completion fish > ~/.config/fish/completions/weir.fish",
    .run = completion_run,
};

static const struct flag shell_flags[] = {
    {.name = "shell",
     .kind = FLAG_CHOICE,
     .value = "bash|zsh|fish",
     .fallback = "bash",
     .help = "the shell to write for"},
    {0},
};
static const struct flag_group shell_group = {"Flags", shell_flags};
static const struct flag_group *const shell_groups[] = {&shell_group, NULL};

static const struct command generate_completion = {
    .path = "zeebe generate completion",
    .args = "[bash|zsh|fish]",
    .max_args = 1,
    .groups = shell_groups,
    .summary = "Print a completion script for a shell, as zbctl does",
    .examples = "weir zeebe generate completion --shell bash",
    .run = generate_completion_run,
};

static const struct command generate_man = {
    .path = "generate man",
    .args = "FOLDER",
    .min_args = 1,
    .max_args = 1,
    .summary = "Write a man page for every command into a folder",
    .hidden = true,
    .run = generate_man_run,
};

static const struct command *const commands[] = {
    &command_zeebe_status,
    &command_zeebe_health,
    &command_zeebe_deploy,
    &command_zeebe_create_instance,
    &command_zeebe_cancel_instance,
    &command_zeebe_modify_instance,
    &command_zeebe_migrate_instance,
    &command_zeebe_set_variables,
    &command_zeebe_resolve_incident,
    &command_zeebe_activate_jobs,
    &command_zeebe_complete_job,
    &command_zeebe_fail_job,
    &command_zeebe_throw_error,
    &command_zeebe_update_retries,
    &command_zeebe_update_timeout,
    &command_zeebe_publish_message,
    &command_zeebe_broadcast_signal,
    &command_zeebe_evaluate_decision,
    &command_zeebe_delete_resource,
    &command_zeebe_work,
    &command_zeebe_call,
    &command_zeebe_config,
    &generate_completion,
    &command_token,
    &command_salesforce_listen,
    &command_salesforce_publish,
    &command_salesforce_token,
    &command_salesforce_probe,
    &command_bayeux_listen,
    &command_bayeux_publish,
    &command_sandbox,
    &command_sandbox_fault,
    &command_sandbox_emit,
    &command_sandbox_now,
    &command_sandbox_requests,
    &completion,
    &version,
    &help,
    &generate_man,
    NULL,
};

static const struct section sections[] = {
    {"", "Authenticated channels to event and workflow clouds",
     "weir talks to Camunda 8 (Zeebe) gateways and fetches the OAuth2 tokens that they, and "
     "others, "
     "want. It is a thin program over the C library of the same name.\n"
     "\n"
     "Grammar: weir AREA VERB [NOUN] ARG... [--flags]. Flags may stand anywhere after the area, as "
     "--flag value or --flag=value; -- ends them. Durations are written 250ms, 10s, 5m, 1h30m (a "
     "bare number is milliseconds), sizes 64KiB, 1MiB (a bare number is bytes). JSON is given as "
     "it is, as @FILE, as - for standard input, or as the path of an existing file.\n"
     "\n"
     "Secrets come from environment variables, or from the files that the same names with _FILE "
     "name; never from a prompt. TLS cannot be switched off for a server that needs it, and tokens "
     "and passwords travel in plaintext to loopback addresses only, unless --allow-plaintext is "
     "given."},
    {"zeebe", "Camunda 8: questions and commands to a Zeebe gateway",
     "Which gateway: --address, or --cluster-id for Camunda SaaS. As whom: a client id and secret "
     "(OAuth2), a ready token, or nobody. Flags beat the environment, CAMUNDA_* beats ZEEBE_*, an "
     "empty variable counts as unset; weir zeebe config shows what came out of it, and from "
     "where.\n"
     "\n"
     "Verbs, nouns and flags of zbctl are understood (--clientId is --client-id). Started under "
     "the "
     "name zbctl, weir is weir zeebe."},
    {"salesforce", "Salesforce Streaming: durable events, platform events published",
     "Where to log in: --login-url (a My Domain is fine) or --sandbox. As whom: what is there of a "
     "ready token, a refresh token, a private key, a password and client credentials, in this "
     "order, or what --grant says. Secrets come from SALESFORCE_... variables."},
    {"bayeux", "Any CometD server: events heard and published",
     "URL is the server's Bayeux endpoint, http or https. What it keeps of events is nothing: weir "
     "salesforce is for those that must not be lost."},
    {"zeebe generate", "Things made from weir's own table", "See weir zeebe generate completion."},
    {0},
};

const struct table weir_table = {commands, sections, &group_common};
