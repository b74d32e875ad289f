/* sandbox/place.h - what a sandbox occupies on the machine: a private folder and ports. Any thread.
 */
#ifndef SANDBOX_PLACE_H
#define SANDBOX_PLACE_H

#include <weir/error.h>

/* A new folder, mode 0700, under TMPDIR or /tmp; mem_free() the name. NULL: WEIR_STORE. */
char *place_folder(weir_error *err);
/* It and all in it. */
void place_remove(const char *folder);

/* A port of 127.0.0.1 that nobody else gets as long as it is held: listening on it works, with or
 * without a listener connecting to it is refused or answered, and no free port is this one. */
struct place_port {
    int fd; /* -1: none */
    uint16_t number;
};
/* `port` 0: any free one. WEIR_CONFLICT: somebody listens there. */
weir_status place_hold(struct place_port *out, uint16_t port, weir_error *err);
void place_let_go(struct place_port *port); /* fine when fd is -1 */
#endif
