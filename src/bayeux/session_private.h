/* bayeux/session_private.h - what the parts of a session share.
 *
 *   session.c          lifecycle, states, time
 *   session_fail.c     what becomes of a failure: pauses, outages, the end
 *   session_subs.c     subscriptions and what the program asked for
 *   session_send.c     the messages that go out
 *   session_reply.c    the messages that come in
 *   session_next.c     what is to be done next */
#ifndef BAYEUX_SESSION_PRIVATE_H
#define BAYEUX_SESSION_PRIVATE_H

#include "bayeux/session.h"

struct session_asks {
    struct session_ask *first, *last;
};

enum phase {
    PHASE_OFF,    /* not in force, nothing is out.  Next: ASKED, gone                          */
    PHASE_ASKED,  /* /meta/subscribe is out.        Next: ON, OFF, gone                        */
    PHASE_ON,     /* in force.                      Next: LEAVING, OFF (the session is lost)   */
    PHASE_LEAVING /* /meta/unsubscribe is out.      Next: OFF, ON (refused), gone              */
};

struct subscription {
    struct subscription *next;
    char *channel;
    struct session_asks asks; /* SUBSCRIBE while wanted, else UNSUBSCRIBE */
    enum phase phase;
    bool wanted;  /* by the program; else it goes as soon as it can */
    bool worked;  /* has been in force: a refusal is news */
    bool patient; /* somebody waits for it through limits */
    bool say_subscribed;
    bool maybe;      /* OFF or ON, but a message that was not answered may have changed that */
    unsigned agains; /* VERDICT_AGAIN in a row */
    uint64_t id;     /* of the message that is out */
    int64_t not_before_ns;
    const weir_error *why; /* in `gone`: of the DROPPED */
};

/* Something sent that is waited for. */
struct exchange_slot {
    unsigned number; /* 0: free */
    enum meta meta;  /* HANDSHAKE, CONNECT, DISCONNECT; SUBSCRIBE: commands */
    uint64_t first_id, last_id;
    size_t unanswered;
    size_t len;   /* of its text */
    bool at_once; /* CONNECT: the server was asked not to hold it */
    int64_t sent_ns;
    unsigned cancelled; /* the owner is still to be told so of this one */
};

enum { SLOT_CONNECT, SLOT_COMMAND, SLOT_COUNT };

struct advice {
    char reconnect[12];                               /* "": none yet */
    int64_t timeout_ms, interval_ms, max_interval_ms; /* -1: none yet */
};

/* What a pause is for. */
enum then { THEN_CONNECT, THEN_HANDSHAKE, THEN_LOGIN };

struct session {
    struct session_options set;
    enum session_state state;
    weir_error why;   /* FAILED, CLOSED */
    weir_error cause; /* of the outage */
    char *cause_channel;

    /* the session at the server */
    char *client_id; /* JSON, with its quotes; NULL: there is none */
    const char *transport;
    struct advice advice;
    unsigned hasty;   /* connects in a row that were answered at once, with nothing */
    bool heard_event; /* since the last connect was answered */
    bool ack_on;
    int64_t ack;
    bool gone;   /* the server has ended it; to be acted upon when the answer is read */
    bool broken; /* the same of a failure: */
    enum verdict verdict;
    weir_error broken_why;
    bool connected_ok;     /* the last connect succeeded */
    bool worked;           /* a connect has ever succeeded */
    bool zero_hold;        /* the next connect is the first one, or comes after a failure */
    int64_t connect_at_ns; /* not before */
    int64_t opened_ns;     /* when the session came to work */

    /* what is out */
    struct exchange_slot slots[SLOT_COUNT];
    unsigned exchanges;
    uint64_t ids;
    struct buf text;
    size_t max_batch; /* less after a 413 */

    /* logging in */
    bool fresh, login_out;

    /* failing */
    enum then then;
    int64_t wait_until_ns;
    int64_t command_at_ns; /* after a command's failure */
    struct backoff backoff, command_backoff;
    unsigned failures;    /* in a row */
    bool spent_handshake; /* a new session at once, without a pause: once until it was good */
    bool spent_login;     /* the same of tokens */
    int64_t lost_ns;      /* no connect has succeeded since; 0: the last one did */
    int64_t failing_ns;   /* out of touch since; 0: not */
    bool outage_said;

    /* what the program wants */
    struct subscription *subs, **subs_end, *gone_subs;
    size_t missing;   /* wanted and not ON */
    size_t unsettled; /* neither wanted and ON nor waiting for an answer */
    struct session_asks handshakes, publishes, flying, done;
    bool full, half_empty;
    int64_t full_ns;

    /* to be said */
    unsigned news; /* a bit each of enum weir_session_news */
    size_t to_say; /* subscriptions with say_subscribed */
    bool reset, over_said;
    const weir_error *said; /* of the last action; dropped with the next */
    struct batch *said_reply;
    struct subscription *said_sub;
};

/* ---- session.c ---- */
void session_enter(struct session *s, enum session_state state);
bool session_is_over(const struct session *s);
bool session_is_ending(const struct session *s); /* PAUSING, CLOSING and what follows */
void session_say(struct session *s, int news);
/* The session at the server is no more, or not wanted; what is out is not waited for. */
void session_drop(struct session *s, const weir_error *why);
/* A session is wanted anew: a token (`fresh`: another one), then the handshake. */
void session_log_in(struct session *s, bool fresh);
void session_end(struct session *s, enum session_state how, const weir_error *why);
/* Time limits that have passed. */
void session_pass(struct session *s, int64_t now_ns);
/* The /meta/disconnect is answered, or never will be. */
void session_left(struct session *s);

/* ---- session_fail.c ---- */
/* Something that the session lives by has failed. */
void session_failed(struct session *s, int64_t now_ns, enum verdict verdict, const weir_error *why);
/* Out of touch from now on, if it was not. `channel` may be NULL. */
void session_note(struct session *s, int64_t now_ns, const weir_error *why, const char *channel);
void session_command_failed(struct session *s, int64_t now_ns, const weir_error *why);
int64_t session_later(struct session *s, const weir_error *why); /* nanoseconds: minutes */
/* The same once the answer that says so is read to its end: it may hold more. */
void session_fails(struct session *s, enum verdict verdict, const weir_error *why);
void session_settle(struct session *s, int64_t now_ns); /* it is */
/* Whether all is as it should be; says RECOVERED. */
void session_check(struct session *s);
/* Limits of an outage. */
void session_pass_outage(struct session *s, int64_t now_ns);
int64_t session_wake_outage(const struct session *s);

/* ---- session_subs.c ---- */
void asks_add(struct session_asks *list, struct session_ask *ask);
void ask_unlink(struct session_ask *ask);
void ask_done(struct session *s, struct session_ask *ask, const weir_error *why);
void asks_done(struct session *s, struct session_asks *list, const weir_error *why);
void sub_phase(struct session *s, struct subscription *sub, enum phase phase);
/* Nothing is subscribed any more: a new session begins, or the end. */
void subs_reset(struct session *s);
void sub_gone(struct session *s, struct subscription *sub, const weir_error *why);
struct subscription *sub_by_id(struct session *s, uint64_t id);
/* A reply to /meta/subscribe or /meta/unsubscribe; false: the session itself is concerned. */
void sub_subscribed(struct session *s, struct subscription *sub, const struct message *reply);
bool sub_refused(struct session *s, int64_t now_ns, struct subscription *sub, enum verdict verdict,
                 const weir_error *why);
void sub_left(struct session *s, struct subscription *sub);
bool sub_stays(struct session *s, struct subscription *sub, enum verdict verdict,
               const weir_error *why);
/* What was out and is not answered: again. `left`: it may have arrived. */
void subs_unanswered(struct session *s, bool left);
int64_t subs_wake(const struct session *s);
void sub_drop(struct subscription *sub); /* its memory; NULL is fine */
void subs_free(struct session *s);

/* ---- session_send.c ---- */
/* Each fills the action and takes the slot; false: there is nothing to send, or no memory (the
 * failure is dealt with). */
bool send_handshake(struct session *s, int64_t now_ns, struct session_action *out);
bool send_connect(struct session *s, int64_t now_ns, struct session_action *out);
bool send_commands(struct session *s, int64_t now_ns, struct session_action *out);
bool send_disconnect(struct session *s, int64_t now_ns, struct session_action *out);

/* ---- session_reply.c ---- */
void slot_free(struct exchange_slot *slot);
void slot_cancel(struct exchange_slot *slot);
/* An exchange ended with messages unanswered. */
void slot_failed(struct session *s, int64_t now_ns, int which, const weir_error *why, bool left);
#endif
