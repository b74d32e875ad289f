/* Lines that acknowledge, values of --replay, and members of events: they stay inside their text,
 * and what they find is what they say. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "cli/lines.h"
#include "cli/listen_channels.h"
#include "cli/listen_hand.h"
#include "cli/listen_line.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(bool what)
{
    if (!what)
        abort();
}

static bool is_id(const char *id)
{
    return *id && strspn(id, "0123456789") == strlen(id);
}

static void as_words(const char *text)
{
    const char *channel, *id;
    char *copy = copy_or_exit(text, strlen(text));
    if (hand_read_words(copy, &channel, &id)) {
        must(is_id(id));
        must(!channel || channel[0] == '/');
    }
    release_memory(copy);
}

static void as_json(const char *text, size_t len)
{
    const char *channel, *id;
    struct str room[2] = {{0}, {0}};
    if (hand_read_json(text, len, room, &channel, &id))
        must(is_id(id));
    str_free(&room[0]);
    str_free(&room[1]);
}

static void as_member(const char *text, size_t len)
{
    weir_bytes found = listen_json_member((weir_bytes){text, len}, "payload");
    const char *at = found.data;
    must(!at || (at >= text && at + found.len <= text + len));
}

static void as_replay(const char *text)
{
    const char *value = listen_replay_split(text);
    must(!value || (value > text && value[-1] == '=' && listen_replay_value(value)));
    (void)listen_channel_complaint(text);
}

static void on_line(void *user, const char *line, size_t len)
{
    (void)user;
    must(!memchr(line, '\n', len) && line[len] == '\0');
    as_words(line);
    as_json(line, len);
    as_member(line, len);
    as_replay(line);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct lines lines = {.most = 4096};
    char *text = copy_or_exit((const char *)data, size);
    size_t half = size / 2;
    if (lines_read(&lines, text, half, on_line, NULL) &&
        lines_read(&lines, text + half, size - half, on_line, NULL))
        lines_end(&lines, on_line, NULL);
    lines_free(&lines);
    release_memory(text);
    return 0;
}
