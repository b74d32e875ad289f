/* zeebe/window.h - how many jobs may come, and how: when to poll for how many, when to have a job
 * stream open and how many of its messages to take. Pure: is told what happened and when, and says
 * what to do; owns no call, timer or lock.
 *
 * A job is `held` from its decoding until the gateway has answered for it. A poll and the stream
 * may both deliver all they were asked for; what comes beyond the room is `parked`, not decoded,
 * until there is room: as much as the stream's credit at most. */
#ifndef ZEEBE_WINDOW_H
#define ZEEBE_WINDOW_H

#include "core/backoff.h"
#include <weir/error.h>

#define WINDOW_CREDIT_MOST    16 /* messages of a stream that are asked for at once */
#define WINDOW_STREAM_GOOD_MS 5000

struct window_settings {
    const struct clock *clock;  /* for the backoffs' randomness */
    size_t max_active, poll_at; /* polls when so many or fewer are in hand */
    weir_ms poll_interval, long_poll;
    weir_ms give_up; /* WEIR_FOREVER: never */
    bool polls, streams;
};

enum window_poll {
    POLL_OFF,     /* never                                                       */
    POLL_WAITING, /* until poll_at_ns, and until there is room. Next: RUNNING    */
    POLL_RUNNING  /* Next: WAITING                                               */
};
enum window_stream {
    STREAM_OFF,     /* not wanted, or the gateway knows none                     */
    STREAM_WAITING, /* until stream_at_ns. Next: OPEN                            */
    STREAM_OPEN,    /* Next: CLOSING, WAITING, OFF                               */
    STREAM_CLOSING  /* it was silent for too long. Next: WAITING, OFF            */
};

struct window {
    struct window_settings set;
    size_t held, parked;
    bool login_good; /* something has worked: with these credentials, on a gateway */

    enum window_poll poll;
    size_t asked, brought; /* of the poll that runs          */
    size_t ask_most;       /* less after an answer was too large */
    int64_t poll_from_ns, poll_at_ns;
    struct backoff poll_backoff, idle_backoff;

    enum window_stream stream;
    size_t credit;       /* messages asked for, not received */
    bool stream_known;   /* the gateway has streams: one has delivered something, or lived */
    bool streamed;       /* this stream has delivered something */
    size_t polled_since; /* jobs polled since it last did */
    int64_t stream_from_ns, stream_at_ns, stream_last_ns;
    int64_t unread_ns; /* since when it may have sent what we do not read; 0: it has not */
    struct backoff stream_backoff;

    unsigned failures;  /* in a row */
    int64_t failing_ns; /* since when; 0: not */
    bool unanswered;    /* the last of them: a connection alone is no sign that it is over */
    bool said;
};

/* What became of a poll or a stream. */
struct window_answer {
    weir_status status; /* WEIR_OK: it ended as it should */
    int32_t kind;
    weir_ms retry_in;
};

/* Whether the worker goes on after it. */
enum window_verdict {
    WINDOW_GOES_ON,
    WINDOW_OUTAGE,         /* goes on, and says so     */
    WINDOW_WITHOUT_STREAM, /* goes on without a stream */
    WINDOW_OVER            /* retrying cannot mend it, or it has lasted for `give_up` */
};

struct window_plan {
    size_t poll;       /* start one for so many; 0: none                    */
    bool open_stream;  /* with `want`                                       */
    bool close_stream; /* its end is told as every other                    */
    size_t want;       /* so many messages more of the stream               */
    bool recovered;    /* say that the outage is over                       */
    int64_t look_at;   /* plan again then, if nothing happens; INT64_MAX    */
};

void window_init(struct window *w, const struct window_settings *settings, int64_t now);

/* ---- what has happened ---- */

/* What to do with a job that came. */
enum window_place {
    WINDOW_TAKE,     /* decode it: it is held                                        */
    WINDOW_PARK,     /* there is no room now                                         */
    WINDOW_HAND_BACK /* more than was asked for: decode it, it is held, hand it back */
};
enum window_place window_polled(struct window *w); /* for each job of a poll */
/* A message of the poll brought jobs that could be read: it works, before its end says so. */
void window_brought_jobs(struct window *w);
enum window_verdict window_poll_ended(struct window *w, const struct window_answer *a, int64_t now);
enum window_place window_streamed(struct window *w, int64_t now); /* for each of the stream */
enum window_verdict window_stream_ended(struct window *w, const struct window_answer *a,
                                        int64_t now);
void window_settled(struct window *w); /* one job less in hand */
/* What the stream brings now has come at once: nothing lies unread any more. */
void window_read_up(struct window *w);
/* A parked message may be decoded now: it counts as held from here on. */
bool window_unpark(struct window *w);

/* ---- what to do ---- */
/* Counts as done what it says. `connected`: the channel is ready. */
struct window_plan window_plan(struct window *w, int64_t now, bool connected);
#endif
