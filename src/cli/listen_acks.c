/* Acknowledgements. Those that were read together are stored together: one transaction, however
 * many lines. A line that cannot be understood ends nothing: its event stays unacknowledged, and
 * comes again. */
#include "cli/listen_acks.h"

#include <string.h>

#include "cli/session.h"

#define LONGEST_LINE (64 * 1024)
#define MOST_SAID    10

void acks_init(struct listen_acks *acks, struct listen_desk *desk, bool json)
{
    *acks = (struct listen_acks){.desk = desk, .json = json, .lines.most = LONGEST_LINE};
}

void acks_free(struct listen_acks *acks)
{
    hand_free(&acks->hand);
    lines_free(&acks->lines);
}

/* ---- what is wrong with a line --------------------------------------------------------------- */

static void complain(struct listen_acks *acks, const char *fmt, ...) WEIR_PRINTF(2, 3);

static void complain(struct listen_acks *acks, const char *fmt, ...)
{
    struct str text = {0};
    va_list values;
    if (acks->complaints++ >= MOST_SAID)
        return;
    va_start(values, fmt);
    str_vaddf(&text, fmt, values);
    va_end(values);
    session_warn(acks->json ? "coprocess" : "stdin", "%s%s", str_text(&text),
                 acks->complaints == MOST_SAID ? " (further ones are not said)" : "");
    str_free(&text);
}

static void complain_of_line(struct listen_acks *acks, const char *line)
{
    complain(acks, "\"%.80s\" acknowledges nothing: it is not %s", line,
             acks->json ? "{\"channel\":...,\"replayId\":...}" : "REPLAYID or CHANNEL REPLAYID");
}

/* ---- lines -------------------------------------------------------------------------------------
 */

/* In the store, then out of hand. */
static void settle(struct listen_acks *acks)
{
    (void)desk_ack(acks->desk, acks->done, acks->done_count);
    for (size_t i = 0; i < acks->done_count; i++)
        weir_event_free(acks->done[i]);
    if (acks->let_go)
        desk_let_go(acks->desk, acks->let_go);
    acks->done_count = acks->let_go = 0;
}

static void acknowledge(struct listen_acks *acks, const char *channel, const char *id)
{
    weir_event *newest;
    size_t before = acks->hand.count;
    if (!channel && acks->desk->options->channels.count > 1) {
        complain(acks, "%s alone acknowledges nothing: of several channels it must be said which",
                 id);
        return;
    }
    switch (hand_acknowledge(&acks->hand, channel, id, &newest)) {
    case HAND_ACKED:
        acks->let_go += before - acks->hand.count;
        acks->done[acks->done_count++] = newest;
        acks->settled = true;
        if (acks->done_count == ACKS_AT_ONCE)
            settle(acks);
        break;
    case HAND_UNKNOWN:
        complain(acks, "%s%s%s acknowledges nothing: no such event was delivered",
                 channel ? channel : "", channel ? " " : "", id);
        break;
    case HAND_OLD:
        break;
    }
}

static void take_json(struct listen_acks *acks, const char *line, size_t len)
{
    const char *channel, *id;
    struct str room[2] = {{0}, {0}};
    if (hand_read_json(line, len, room, &channel, &id))
        acknowledge(acks, channel, id);
    else
        complain_of_line(acks, line);
    str_free(&room[0]);
    str_free(&room[1]);
}

static void take_words(struct listen_acks *acks, const char *line, size_t len)
{
    const char *channel, *id;
    char *copy = copy_or_exit(line, len);
    if (strlen(copy) == len && hand_read_words(copy, &channel, &id))
        acknowledge(acks, channel, id);
    else
        complain_of_line(acks, line);
    release_memory(copy);
}

static void take_line(void *user, const char *line, size_t len)
{
    struct listen_acks *acks = user;
    if (strspn(line, " \t\r") == len)
        return;
    if (acks->json)
        take_json(acks, line, len);
    else
        take_words(acks, line, len);
}

bool acks_read(struct listen_acks *acks, const char *bytes, size_t len)
{
    bool fits = lines_read(&acks->lines, bytes, len, take_line, acks);
    if (!fits)
        complain(acks, "a line of more than %d bytes acknowledges nothing", LONGEST_LINE);
    settle(acks);
    return fits;
}

void acks_end(struct listen_acks *acks)
{
    lines_end(&acks->lines, take_line, acks);
    settle(acks);
}
