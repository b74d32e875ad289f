/* zeebe/zeebe.h - the handle's inside, for this folder. */
#ifndef ZEEBE_ZEEBE_H
#define ZEEBE_ZEEBE_H

#include "zeebe/command.h"

struct weir_zeebe {
    weir_channel *channel;
};

/* Rule 2 of weir/error.h, and that this is no fork's child. */
weir_status zeebe_check(const weir_zeebe *zeebe, weir_error *err);
/* Fills a zeroed command but for its request and events. The channel and the headers are
 * borrowed. */
weir_status zeebe_prepare(struct command *c, weir_channel *channel, const char *rpc,
                          const weir_call_options *o, weir_error *err);
#endif
