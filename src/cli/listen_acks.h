/* cli/listen_acks.h - events that wait for a line that acknowledges them: words on our stdin, or
 * JSON from a coprocess. One thread at a time. */
#ifndef CLI_LISTEN_ACKS_H
#define CLI_LISTEN_ACKS_H

#include "cli/lines.h"
#include "cli/listen_desk.h"
#include "cli/listen_hand.h"

#define ACKS_AT_ONCE 128 /* stored in one transaction, at most */

struct listen_acks {
    struct listen_desk *desk;
    struct hand hand;
    struct lines lines;
    bool json;
    bool settled; /* something was acknowledged; the owner takes it back */
    unsigned complaints;
    weir_event *done[ACKS_AT_ONCE];
    size_t done_count, let_go;
};

void acks_init(struct listen_acks *acks, struct listen_desk *desk, bool json);
/* What is still in hand stays unacknowledged. */
void acks_free(struct listen_acks *acks);
/* What was acknowledged in these bytes is stored on return, and no longer in hand at the desk. A
 * line that means nothing is said, the first few of them. False: a line is longer than any that
 * does. */
bool acks_read(struct listen_acks *acks, const char *bytes, size_t len);
/* There will be no more. */
void acks_end(struct listen_acks *acks);
#endif
