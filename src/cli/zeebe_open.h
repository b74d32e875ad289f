/* cli/zeebe_open.h - from settings to a channel to the gateway. */
#ifndef CLI_ZEEBE_OPEN_H
#define CLI_ZEEBE_OPEN_H

#include "cli/zeebe_settings.h"

#include <weir/zeebe.h>

/* Nothing is connected yet. NULL: *err. End with weir_zeebe_free(). */
weir_zeebe *cli_zeebe_open(const struct zeebe_settings *settings, const struct args *args,
                           weir_error *err);
/* The channel alone, as weir_worker_open() wants it; end with weir_channel_close(). */
weir_channel *cli_zeebe_channel(const struct zeebe_settings *settings, const struct args *args,
                                weir_error *err);
/* The credentials of a login that is not LOGIN_NONE; a token request may take `timeout`. */
weir_credentials *cli_zeebe_credentials(const struct zeebe_settings *settings, weir_ms timeout,
                                        weir_error *err);
/* The settings in *err are called as they were given: "--authz-url", "CAMUNDA_OAUTH_URL". */
void cli_zeebe_name_settings(const struct zeebe_settings *settings, weir_error *err);
/* Finds the settings, too; for commands that need nothing else of them. */
weir_zeebe *cli_zeebe_open_from(const struct args *args, weir_error *err);
#endif
