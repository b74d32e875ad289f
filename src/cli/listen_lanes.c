/* Processes for events. A lane is a thread with a queue; a channel belongs to one lane, so its
 * order holds, and nothing behind an event that is not acknowledged ever is: a lane that gives one
 * up handles no more.
 *
 * An event is repeated, after pauses that grow, until its program ends with 0. What that run wrote
 * on its standard output goes to ours, whole, before the event is acknowledged; what the others
 * wrote is dropped. */
#include "cli/listen_lanes.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>
#include <time.h>

#include "cli/clock.h"
#include "cli/dead_letter.h"
#include "cli/fail.h"
#include "cli/run.h"

#define LANES         16
#define FIRST_PAUSE   200 /* ms */
#define LONGEST_PAUSE 30000
#define REASON        700 /* bytes of a program's last words in a message of ours */

struct waiting {
    struct waiting *next;
    weir_event *event;
};

struct lane {
    struct lanes *lanes;
    pthread_t thread;
    bool started, given_up;
    struct waiting *first, *last;
};

struct lanes {
    struct listen_desk *desk;
    struct dead_letter *dead_letter; /* may be NULL */
    pthread_mutex_t lock;            /* guards the lanes' queues and `stopping` */
    pthread_cond_t moved;
    bool stopping;
    atomic_bool hurry;
    struct lane all[LANES];
};

/* One event, being handled. */
struct handling {
    struct lane *lane;
    weir_event *event;
    struct str why; /* its last try failed */
    int64_t tries;
};

/* ---- a program's run
 * ----------------------------------------------------------------------------- */

static const char *const of_environment[][2] = {{"CHANNEL", "channel"}, {"REPLAY_ID", "replayid"},
                                                {"ID", "id"},           {"TYPE", "type"},
                                                {"SOURCE", "source"},   {"TIME", "time"}};

#define TEXTS (sizeof of_environment / sizeof *of_environment)

static char *entry(const char *name, const char *value)
{
    struct str text = {0};
    str_addf(&text, "WEIR_EVENT_%s=%s", name, value ? value : "");
    char *copy = copy_or_exit(text.data, text.len);
    str_free(&text);
    return copy;
}

static void make_environment(char *entries[TEXTS + 2], const struct handling *handling)
{
    struct str tries = {0};
    for (size_t i = 0; i < TEXTS; i++)
        entries[i] =
            entry(of_environment[i][0], weir_event_attr(handling->event, of_environment[i][1]));
    str_addf(&tries, "%" PRId64, handling->tries);
    entries[TEXTS] = entry("ATTEMPT", tries.data);
    entries[TEXTS + 1] = NULL;
    str_free(&tries);
}

static bool is_wanted(void *user)
{
    const struct handling *handling = user;
    return !atomic_load(&handling->lane->lanes->hurry);
}

/* Of its stdout everything goes to ours; false: it cannot be written, which main notices. */
static bool pass_output(struct handling *handling, const struct run_result *result)
{
    struct listen_desk *desk = handling->lane->lanes->desk;
    struct iovec piece = {result->output.data, result->output.len};
    if (!piece.iov_len)
        return true;
    int failed = sink_write(&desk->sink, &piece, 1);
    if (failed)
        desk_wake(desk);
    return !failed;
}

static void note_failure(struct handling *handling, const struct run_job *job,
                         const struct run_result *result)
{
    str_clear(&handling->why);
    str_add(&handling->why, "the program ");
    run_say_end(job, result, &handling->why);
    if (result->errors.len == 0)
        return;
    const char *said = result->errors.data;
    if (result->errors.len > REASON)
        said += result->errors.len - REASON;
    while (((unsigned char)*said & 0xC0) == 0x80)
        said++;
    str_addf(&handling->why, ": %s", said);
}

static void run_program(struct handling *handling, weir_bytes line, struct run_result *result)
{
    char *entries[TEXTS + 2];
    struct str input = {0};
    str_add_bytes(&input, line.data, line.len);
    str_add(&input, "\n");
    make_environment(entries, handling);
    const struct run_job job = {.command = &handling->lane->lanes->desk->options->command,
                                .environment = entries,
                                .input = input.data,
                                .input_len = input.len,
                                .output_limit = LISTEN_OUTPUT,
                                .time_limit = WEIR_FOREVER,
                                .grace = LISTEN_GRACE,
                                .pass_errors = true,
                                .wanted = is_wanted,
                                .user = handling};
    run_to_end(&job, result);
    note_failure(handling, &job, result);
    for (size_t i = 0; i <= TEXTS; i++)
        release_memory(entries[i]);
    str_free(&input);
}

enum tried { TRY_DONE, TRY_FAILED, TRY_UNWANTED };

static enum tried try_it(struct handling *handling)
{
    struct listen_desk *desk = handling->lane->lanes->desk;
    struct run_result result = {0};
    struct str room = {0};
    weir_error err = {0};
    enum tried tried = TRY_UNWANTED;
    handling->tries++;
    weir_bytes line = listen_line(handling->event, desk->options->format, &room, &err);
    if (!line.data) {
        desk_fail(desk, &err);
    } else {
        run_program(handling, line, &result);
        if (result.end != RUN_EXITED || result.number != 0)
            tried = result.end == RUN_UNWANTED ? TRY_UNWANTED : TRY_FAILED;
        else if (pass_output(handling, &result))
            tried = TRY_DONE;
    }
    run_result_free(&result);
    str_free(&room);
    return tried;
}

/* ---- an event
 * ------------------------------------------------------------------------------------- */

static void say(const struct handling *handling, const char *what)
{
    struct str name = {0};
    desk_name_event(handling->event, &name);
    fail_note("%s: %s%s%s", str_text(&name), what, *what ? ": " : "", str_text(&handling->why));
    str_free(&name);
}

/* It has failed too often. False: there is nowhere to put it, and that ends the listener. */
static bool bury(struct handling *handling)
{
    struct lanes *lanes = handling->lane->lanes;
    weir_error err = {0};
    if (lanes->dead_letter) {
        if (dead_letter_add(lanes->dead_letter, handling->event, handling->tries,
                            str_text(&handling->why), &err) == WEIR_OK) {
            say(handling, "put to the dead letters");
            return true;
        }
    } else {
        struct str name = {0};
        desk_name_event(handling->event, &name);
        (void)fail_set(&err, WEIR_BUSY, "%s: not handled in %" PRId64 " %s: %s", str_text(&name),
                       handling->tries, handling->tries == 1 ? "try" : "tries",
                       str_text(&handling->why));
        str_free(&name);
    }
    desk_fail(lanes->desk, &err);
    return false;
}

/* Until the next try; false: there will be none. */
static bool pause_for(struct lanes *lanes, weir_ms pause)
{
    struct timespec until = {0};
    weir_ms at = clock_now() + pause / 2 + clock_chance(pause / 2);
    until.tv_sec = (time_t)(at / 1000);
    until.tv_nsec = (long)(at % 1000) * 1000000;
    (void)pthread_mutex_lock(&lanes->lock);
    int waited = 0;
    while (!lanes->stopping && waited != ETIMEDOUT)
        waited = pthread_cond_timedwait(&lanes->moved, &lanes->lock, &until);
    bool go_on = !lanes->stopping;
    (void)pthread_mutex_unlock(&lanes->lock);
    return go_on;
}

/* True: it is done, and may be acknowledged. */
static bool handle(struct handling *handling)
{
    const struct listen_options *options = handling->lane->lanes->desk->options;
    weir_ms pause = FIRST_PAUSE;
    enum tried tried;
    while ((tried = try_it(handling)) == TRY_FAILED) {
        if (options->retries >= 0 && handling->tries > options->retries)
            return bury(handling);
        if (handling->tries == 1)
            say(handling, "tried again");
        if (!pause_for(handling->lane->lanes, pause))
            return false;
        pause = pause * 2 < LONGEST_PAUSE ? pause * 2 : LONGEST_PAUSE;
    }
    if (tried == TRY_DONE && handling->tries > 1) {
        str_clear(&handling->why);
        str_addf(&handling->why, "handled at try %" PRId64, handling->tries);
        say(handling, "");
    }
    return tried == TRY_DONE;
}

static bool handle_event(struct lane *lane, weir_event *event)
{
    struct listen_desk *desk = lane->lanes->desk;
    struct handling handling = {.lane = lane, .event = event};
    bool done = handle(&handling) && desk_ack(desk, &event, 1);
    str_free(&handling.why);
    return done;
}

/* ---- lanes
 * ----------------------------------------------------------------------------------------- */

/* @locked */
static weir_event *next_event(struct lane *lane)
{
    struct waiting *waiting = lane->first;
    if (!waiting)
        return NULL;
    weir_event *event = waiting->event;
    lane->first = waiting->next;
    if (!lane->first)
        lane->last = NULL;
    release_memory(waiting);
    return event;
}

/* @locked. What waits is given up. */
static void clear(struct lane *lane)
{
    weir_event *event;
    while ((event = next_event(lane))) {
        weir_event_free(event);
        desk_let_go(lane->lanes->desk, 1);
    }
}

static weir_event *wait_for_event(struct lane *lane)
{
    struct lanes *lanes = lane->lanes;
    (void)pthread_mutex_lock(&lanes->lock);
    while (!lanes->stopping && !lane->first)
        (void)pthread_cond_wait(&lanes->moved, &lanes->lock);
    weir_event *event = lanes->stopping ? NULL : next_event(lane);
    (void)pthread_mutex_unlock(&lanes->lock);
    return event;
}

static void *live(void *user)
{
    struct lane *lane = user;
    weir_event *event;
    bool going = true;
    while (going && (event = wait_for_event(lane))) {
        going = handle_event(lane, event);
        weir_event_free(event);
        desk_let_go(lane->lanes->desk, 1);
    }
    (void)pthread_mutex_lock(&lane->lanes->lock);
    lane->given_up = true;
    clear(lane);
    (void)pthread_mutex_unlock(&lane->lanes->lock);
    return NULL;
}

/* By its place among the channels listened to; what a wildcard lets in by its name. */
static struct lane *lane_of(struct lanes *lanes, const weir_event *event)
{
    const struct listen_channels *channels = &lanes->desk->options->channels;
    const char *name = weir_event_attr(event, "channel");
    size_t number = 0;
    for (size_t i = 0; name && i < channels->count; i++)
        if (strcmp(channels->list[i].name, name) == 0)
            return &lanes->all[i % LANES];
    for (; name && *name; name++)
        number = number * 31 + (unsigned char)*name;
    return &lanes->all[number % LANES];
}

/* @locked */
static int add(struct lane *lane, weir_event *event)
{
    struct waiting *waiting = memory_or_exit(NULL, 1, sizeof *waiting);
    *waiting = (struct waiting){.event = event};
    if (lane->last)
        lane->last->next = waiting;
    else
        lane->first = waiting;
    lane->last = waiting;
    if (lane->started)
        return 0;
    int bad = pthread_create(&lane->thread, NULL, live, lane);
    lane->started = !bad;
    return bad;
}

void lanes_give(struct lanes *lanes, weir_event *event)
{
    struct lane *lane = lane_of(lanes, event);
    int bad = 0;
    (void)pthread_mutex_lock(&lanes->lock);
    bool refused = lanes->stopping || lane->given_up;
    if (!refused)
        bad = add(lane, event);
    if (bad)
        clear(lane);
    (void)pthread_cond_broadcast(&lanes->moved);
    (void)pthread_mutex_unlock(&lanes->lock);
    if (refused) {
        weir_event_free(event);
        desk_let_go(lanes->desk, 1);
    }
    if (bad) {
        weir_error err;
        (void)fail_set_system(&err, bad, "starting a thread");
        desk_fail(lanes->desk, &err);
    }
}

struct lanes *lanes_start(struct listen_desk *desk, weir_error *err)
{
    const char *path = desk->options->dead_letter;
    struct dead_letter *dead_letter = path ? dead_letter_open(path, err) : NULL;
    if (path && !dead_letter)
        return NULL;
    struct lanes *lanes = memory_or_exit(NULL, 1, sizeof *lanes);
    *lanes = (struct lanes){.desk = desk, .dead_letter = dead_letter};
    for (size_t i = 0; i < LANES; i++)
        lanes->all[i].lanes = lanes;
    pthread_condattr_t monotonic;
    (void)pthread_condattr_init(&monotonic);
    (void)pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    (void)pthread_cond_init(&lanes->moved, &monotonic);
    (void)pthread_condattr_destroy(&monotonic);
    (void)pthread_mutex_init(&lanes->lock, NULL);
    return lanes;
}

void lanes_stop(struct lanes *lanes)
{
    (void)pthread_mutex_lock(&lanes->lock);
    lanes->stopping = true;
    for (size_t i = 0; i < LANES; i++)
        clear(&lanes->all[i]);
    (void)pthread_cond_broadcast(&lanes->moved);
    (void)pthread_mutex_unlock(&lanes->lock);
}

void lanes_hurry(struct lanes *lanes)
{
    atomic_store(&lanes->hurry, true);
    lanes_stop(lanes);
}

void lanes_free(struct lanes *lanes)
{
    if (!lanes)
        return;
    lanes_stop(lanes);
    for (size_t i = 0; i < LANES; i++)
        if (lanes->all[i].started)
            (void)pthread_join(lanes->all[i].thread, NULL);
    dead_letter_close(lanes->dead_letter);
    (void)pthread_cond_destroy(&lanes->moved);
    (void)pthread_mutex_destroy(&lanes->lock);
    release_memory(lanes);
}
