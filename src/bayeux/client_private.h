/* bayeux/client_private.h - what the files of the client share:
 *
 *   client.c          opening, stopping, waiting, closing
 *   client_options.c  the program's options: read, checked, copied
 *   client_engine.c   @io: what the session wants done; the clock; the end
 *   client_link.c     @io: which transport; messages out and in
 *   client_login.c    @io: tokens, and where to go with them
 *   client_queue.c    from the engine to the program: answers, notices, back-pressure
 *   client_event.c    events as slices of an answer
 *   client_ask.c      from the program to the engine: wishes
 *   client_ext.c      @io: extensions of the program's own
 *   client_tell.c     handlers and news, on threads of the handle's own
 *
 * Lifetime: `refs` counts the handle, the engine until its end, each call and each wish that is
 * under way. client_close() stops, waits until only its own is left, and frees on the program's
 * thread; whoever else leaves touches nothing afterwards (client_leave()). */
#ifndef BAYEUX_CLIENT_PRIVATE_H
#define BAYEUX_CLIENT_PRIVATE_H

#include "bayeux/client.h"
#include "bayeux/transport.h"
#include "core/inbox.h"
#include "core/pool.h"
#include "credentials/ask.h"
#include "io/timer.h"

#include <pthread.h>

#define CLIENT_GOODBYE_MS 2000
#define CLIENT_PLACES     64 /* in the queue, for notices */

/* Said once, between events. */
struct client_notice {
    struct client_item item; /* first */
    bool outage;             /* void once it is over */
    weir_error why;
};

struct client_tiding {
    struct client_tiding *next;
    weir_session_news news;
    char *channel;
    weir_error why;
};

struct client_tally {
    atomic_uint_fast64_t events, dropped, answers, bytes;
    atomic_uint_fast64_t handshakes, connects, subscribes, logins, failures, outages;
    atomic_uint_fast64_t most_queued;
};

/* Which way messages go. */
struct client_link {
    struct transport *polling, *socket;
    const char *offered[3];   /* to the session */
    bool socket_wanted;       /* AUTO: the server has it; the next messages go there */
    bool socket_worked;       /* the present one has brought something */
    bool socket_ever;         /* one has */
    bool socket_given_up;     /* AUTO: none ever worked */
    unsigned socket_failures; /* in a row, of ones that brought nothing */
    unsigned handshake;       /* exchange of the handshake that is out; 0: none */
    bool paused;              /* the socket is not read */
    struct timer late;        /* of what is out on the socket, which has no limits itself: */
    struct {
        unsigned exchange; /* 0: none */
        int64_t until_ns;
    } out[2]; /* commands; the connect */
};

struct client {
    atomic_size_t refs; /* CLIENT_CLOSING is its highest bit */
    char name[32];
    struct client_options set; /* texts in it are `texts`' */
    weir_tls_options tls;
    const char **headers;
    weir_bayeux_extension *extensions;
    size_t extension_count;
    char **texts;
    size_t text_count;
    struct loop *loop;
    const struct clock *clock;
    struct http *http;
    weir_credentials *credentials; /* the reference; used as set.o.credentials */

    pthread_mutex_t lock;
    pthread_cond_t moved;
    bool over;            /* @locked: the engine has ended */
    bool handled;         /* @locked: the handler has seen the last event, or there is none */
    weir_error why;       /* @locked: of the end */
    char *handshake;      /* @locked: the reply to the newest */
    weir_error owner_why; /* @locked: client_fail() */

    /* engine, @io */
    struct session *session;
    struct loop_task start, room, release, fail;
    struct loop_bell bell;
    struct timer timer, goodbye;
    bool pumping, stopping, ended;
    struct client_link link;
    struct client_origin *origin;
    char *url; /* where requests go now */
    struct token_ask *login;
    weir_token *token;
    int64_t date_s, date_at_ns;
    struct client_item *waiting, **waiting_last; /* not in the inbox yet */

    /* queue */
    struct inbox *inbox;
    atomic_size_t queued;
    atomic_size_t room_at; /* at this many or fewer the engine wants to know; SIZE_MAX: never */
    atomic_bool room_posted, release_posted, fail_posted;

    /* telling */
    struct pool *handlers, *tellers;
    struct pool_task handle_task, tell_task;
    struct client_tiding *tidings, **tidings_last; /* @locked */
    bool telling;                                  /* @locked */

    struct client_tally tally;
};

/* ---- lifetime (client.c) ----------------------------------------------------------------- */

void client_enter(struct client *c);
void client_leave(struct client *c);

/* ---- options (client_options.c) ---------------------------------------------------------- */

weir_status client_options_read(struct client *c, const struct client_options *options,
                                weir_error *err);
void client_options_clear(struct client *c);
/* Whether a token may go to this URL. */
weir_status client_check_url(const struct client *c, const char *text, const char *what,
                             weir_error *err);

/* ---- engine (client_engine.c), @io but for the first ------------------------------------- */

weir_status client_engine_init(struct client *c, weir_error *err);
void client_engine_free(struct client *c); /* nothing runs any more */
void client_engine_start(struct loop_task *task);
void client_ring(struct loop_bell *bell);
int64_t client_now(const struct client *c);
/* Does what the session wants, and sets the timer. Fine from within itself. */
void client_pump(struct client *c);
void client_end_now(struct client *c, const weir_error *why); /* session_fail() */

/* ---- link (client_link.c), @io ----------------------------------------------------------- */

void client_link_init(struct client *c);
void client_link_send(struct client *c, const struct session_action *action);
void client_link_cancel(struct client *c, unsigned exchange);
void client_link_reset(struct client *c);  /* SESSION_RESET */
void client_link_opened(struct client *c); /* a handshake has succeeded */
void client_link_close(struct client *c);
/* A socket is not read from while the queue is full: its server may say more unasked. */
void client_link_flow(struct client *c);
/* The endpoint is another: transports are made anew. */
void client_link_moved(struct client *c);

/* ---- login (client_login.c), @io ---------------------------------------------------------------
 */

void client_login(struct client *c, bool fresh);
void client_login_cancel(struct client *c);
/* "Bearer ...", core/mem, secret_free_text(); NULL: none is needed, or no memory (*err). */
char *client_authorization(struct client *c, weir_error *err);

/* ---- queue (client_queue.c), @io but for client_drop_item() ------------------------------ */

void client_received(struct client *c, struct batch *batch, int64_t date_s);
void client_deliver(struct client *c); /* what may go, goes */
void client_note(struct client *c, const weir_error *why, bool outage);
void client_room(struct loop_task *task);
void client_released(struct loop_task *task);
void client_queue_stop(struct client *c, const weir_error *why); /* nothing is queued any more */
void client_drop_item(void *item);
/* Any thread: for the handler. Neither an event nor a notice: the end. */
weir_status client_take_one(struct client *c, weir_event **event, size_t *count, bool *notice,
                            struct deadline until);
/* Tells the session how full the queue is. */
void client_queue_tell(struct client *c);

/* ---- events (client_event.c) ------------------------------------------------------------------
 */

extern const struct event_kind client_event_kind;
struct client_answer *client_answer_new(struct client *c, struct batch *batch, int64_t date_s);
void client_answer_drop(struct client_answer *answer, size_t refs);
struct client_origin *client_origin_new(const struct client *c, const char *url);
void client_origin_free(struct client_origin *origin);

/* ---- extensions of the program's own (client_ext.c), @io ----------------------------------------
 */

void client_ext_outgoing(struct client *c, enum meta meta, const char *channel, weir_bytes data,
                         struct buf *ext);
/* False: an event is not delivered. */
bool client_ext_incoming(struct client *c, const struct message *message);

/* ---- asks (client_ask.c) ------------------------------------------------------------------------
 */

void client_ask_done(struct client *c, const struct session_action *action); /* @io */

/* ---- telling (client_tell.c) ------------------------------------------------------------- */

weir_status client_tell_init(struct client *c, weir_error *err);
weir_status client_tell_start(struct client *c, weir_error *err); /* the handler's thread */
void client_tell_free(struct client *c);                          /* joins */
#endif
