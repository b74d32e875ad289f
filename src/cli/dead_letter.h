/* cli/dead_letter.h - the file of events that a program could not handle. Any thread. */
#ifndef CLI_DEAD_LETTER_H
#define CLI_DEAD_LETTER_H

#include "cli/str.h"

#include <weir/event.h>

struct dead_letter;

/* Opened to be appended to, made with mode 0600; a torn last line is ended. WEIR_STORE. */
struct dead_letter *dead_letter_open(const char *path, weir_error *err);
/* A line: when, which event, how often it was tried, why, the event. On the disk on return. */
weir_status dead_letter_add(struct dead_letter *file, const weir_event *event, int64_t tries,
                            const char *why, weir_error *err);
void dead_letter_close(struct dead_letter *file);
#endif
