/* cli/setting.h - a value and where it came from: flag, environment, file, default. */
#ifndef CLI_SETTING_H
#define CLI_SETTING_H

#include "cli/parse.h"

enum setting_from { FROM_NOWHERE = 0, FROM_DEFAULT, FROM_ENVIRONMENT, FROM_FLAG };

struct setting {
    char *value; /* NULL: not set; wiped by setting_free() */
    enum setting_from from;
    char where[80]; /* "--address", "ZEEBE_ADDRESS", "default" */
    bool secret;
};

/* The flag `name` of `group`: as given on the command line, else its variables in order, an empty
 * one counting as unset; of a secret also NAME_FILE, the file's text without the final newline.
 * WEIR_INVALID when a variable's value does not fit the flag's kind, WEIR_STORE when its file
 * cannot be read. Its default is left to the caller. */
weir_status setting_find(struct setting *out, const struct args *args,
                         const struct flag_group *group, const char *name, weir_error *err);
/* A variable that holds a secret, or NAME_FILE; not set: out->value stays NULL. */
weir_status setting_find_variable(struct setting *out, const char *variable, weir_error *err);
void setting_default(struct setting *setting, const char *value, const char *where);
void setting_free(struct setting *setting);
/* The value of a switch, a duration or a number; `otherwise` when not set. */
bool setting_switch(const struct setting *setting, bool otherwise);
weir_ms setting_duration(const struct setting *setting, weir_ms otherwise);

/* Does the variable hold a secret of any command, or name its file? So do `also` and ALSO_FILE;
 * NULL: no further one. What weir starts does not inherit it. */
bool setting_is_secret(const char *variable, const char *also);
/* Takes the secrets of every command, and the variables named here, out of the environment: what
 * weir starts does not inherit them. */
void setting_forget_secrets(const char *also);
#endif
