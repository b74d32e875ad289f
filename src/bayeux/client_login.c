/* Tokens. A login asks the credentials for one and the dialect where to go with it. A dialect whose
 * server binds the session to its token keeps that one; else each request carries the newest. */
#include "bayeux/client_private.h"

#include "core/error.h"
#include "core/log.h"
#include "core/mem.h"
#include "core/secret.h"
#include "credentials/token.h"

#include <string.h>

#define LOGIN_MS 60000

/* ---- where to go ------------------------------------------------------------------------- */

/* Without a query, which may hold a secret. */
static bool is_origin(const struct client *c, const char *source)
{
    size_t shown = strcspn(source, "?#");
    return c->origin && strlen(c->origin->url) == shown &&
           memcmp(c->origin->url, source, shown) == 0;
}

static weir_status set_origin(struct client *c, const char *source, weir_error *err)
{
    if (is_origin(c, source))
        return WEIR_OK;
    struct client_origin *origin = client_origin_new(c, source);
    if (!origin)
        return error_no_memory(err);
    client_origin_free(c->origin);
    c->origin = origin;
    return WEIR_OK;
}

/* The URL becomes the client's. */
static weir_status move(struct client *c, struct client_endpoint *to, weir_error *err)
{
    weir_status status = set_origin(c, to->source ? to->source : to->url, err);
    bool same = c->url && to->url && strcmp(c->url, to->url) == 0;
    if (status != WEIR_OK || same)
        return status;
    mem_free(c->url);
    c->url = to->url;
    to->url = NULL;
    client_link_moved(c);
    return WEIR_OK;
}

static weir_status find_endpoint(struct client *c, const weir_token *token, weir_error *err)
{
    struct client_endpoint to = {0};
    weir_status status = WEIR_OK;
    if (c->set.dialect->endpoint)
        status = c->set.dialect->endpoint(c->set.user, token, &to, err);
    else if (!(to.url = mem_strdup(c->set.o.url)))
        status = error_no_memory(err);
    if (status == WEIR_OK)
        status = client_check_url(c, to.url, "the server's URL", err);
    if (status == WEIR_OK)
        status = move(c, &to, err);
    mem_free(to.url);
    mem_free(to.source);
    return status;
}

/* ---- logging in -------------------------------------------------------------------------- */

static bool same_token(const weir_token *a, const weir_token *b)
{
    return a && b && token_same(a, b);
}

static void finish(struct client *c, weir_token *token, bool fresh)
{
    weir_error why = {0};
    weir_status status = find_endpoint(c, token, &why);
    if (status == WEIR_OK && token && !same_token(token, c->token)) {
        atomic_fetch_add(&c->tally.logins, 1);
        if (fresh)
            client_news(c, WEIR_SESSION_LOGGED_IN, NULL, NULL);
    }
    if (status == WEIR_OK) {
        weir_token_free(c->token);
        c->token = token;
    } else {
        weir_token_free(token);
    }
    session_token(c->session, client_now(c), status == WEIR_OK ? NULL : &why);
}

static void got(struct client *c, weir_token *token, const weir_error *err, bool fresh)
{
    c->login = NULL;
    if (token)
        finish(c, token, fresh);
    else
        session_token(c->session, client_now(c), err);
    client_pump(c);
}

static void got_one(void *user, weir_token *token, const weir_error *err)
{
    got(user, token, err, false);
}

static void got_fresh(void *user, weir_token *token, const weir_error *err)
{
    got(user, token, err, true);
}

void client_login(struct client *c, bool fresh)
{
    weir_error why = {0};
    weir_credentials *credentials = c->set.o.credentials;
    if (!credentials) {
        finish(c, NULL, false);
        return;
    }
    if (fresh && c->token)
        weir_credentials_reject(credentials, c->token);
    c->login = credentials_ask(credentials, deadline_in(c->clock, LOGIN_MS, LOGIN_MS), true,
                               fresh ? got_fresh : got_one, c, &why);
    if (!c->login)
        session_token(c->session, client_now(c), &why);
}

void client_login_cancel(struct client *c)
{
    if (c->login)
        credentials_ask_cancel(c->login);
    c->login = NULL;
}

/* ---- using it ---------------------------------------------------------------------------- */

static weir_status write_authorization(const weir_token *token, char **out, weir_error *err)
{
    struct buf text = BUF_INIT((size_t)128 * 1024);
    buf_adds(&text, weir_token_type(token));
    buf_adds(&text, " ");
    buf_adds(&text, weir_token_value(token));
    weir_status status = buf_finish(&text, err);
    *out = text.data;
    return status;
}

char *client_authorization(struct client *c, weir_error *err)
{
    char *text = NULL;
    weir_token *newest = NULL;
    if (!c->token)
        return NULL;
    if (!c->set.dialect->sticky_token)
        newest = credentials_peek(c->set.o.credentials);
    if (newest && !same_token(newest, c->token))
        atomic_fetch_add(&c->tally.logins, 1);
    if (newest) {
        weir_token_free(c->token);
        c->token = newest;
    }
    (void)write_authorization(c->token, &text, err);
    return text;
}
