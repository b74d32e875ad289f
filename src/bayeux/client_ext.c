/* Extensions of the program's own. Only here, and only for them, a message becomes a tree. */
#include "bayeux/client_private.h"

#include "core/error.h"
#include "core/json.h"
#include "core/mem.h"

#include <string.h>

struct weir_bayeux_ext {
    struct buf *out;
};

/* ---- out --------------------------------------------------------------------------------- */

static const char *const names[] = {
    [META_HANDSHAKE] = "/meta/handshake",     [META_CONNECT] = "/meta/connect",
    [META_DISCONNECT] = "/meta/disconnect",   [META_SUBSCRIBE] = "/meta/subscribe",
    [META_UNSUBSCRIBE] = "/meta/unsubscribe",
};

/* What the message is about: its channel, and the subscription or the data. */
static json_t *outgoing(enum meta meta, const char *channel, weir_bytes data)
{
    struct buf text = BUF_INIT(SIZE_MAX / 2);
    bool subscribes = meta == META_SUBSCRIBE || meta == META_UNSUBSCRIBE;
    const char *own = (size_t)meta < sizeof names / sizeof *names ? names[meta] : NULL;
    buf_adds(&text, "{\"channel\":");
    json_add_string(&text, own ? own : channel, strlen(own ? own : channel));
    if (subscribes) {
        buf_adds(&text, ",\"subscription\":");
        json_add_string(&text, channel, strlen(channel));
    }
    if (!own && data.data) {
        buf_adds(&text, ",\"data\":");
        buf_add(&text, data.data, data.len);
    }
    buf_adds(&text, "}");
    json_t *tree = NULL;
    if (buf_finish(&text, NULL) == WEIR_OK)
        tree = json_parse(text.data, text.len, "message", NULL);
    buf_free(&text);
    return tree;
}

void client_ext_outgoing(struct client *c, enum meta meta, const char *channel, weir_bytes data,
                         struct buf *ext)
{
    json_t *tree = outgoing(meta, channel ? channel : "", data);
    if (!tree) {
        ext->failed = true; /* what is signed, say, must not go out without that */
        return;
    }
    struct weir_bayeux_ext mine = {ext};
    weir_json *message = json_wrap(tree);
    for (size_t i = 0; i < c->extension_count; i++) {
        const weir_bayeux_extension *x = &c->extensions[i];
        if (x->outgoing)
            x->outgoing(message, &mine, x->user);
    }
    weir_json_free(message);
}

weir_status weir_bayeux_ext_set(weir_bayeux_ext *ext, const char *name, const char *json)
{
    if (!ext || !name || !json)
        return WEIR_INVALID;
    weir_error err = {0};
    json_t *value = json_parse(json, strlen(json), "ext", &err);
    if (!value)
        return err.status;
    json_decref(value);
    if (ext->out->len > 0)
        buf_adds(ext->out, ",");
    json_add_string(ext->out, name, strlen(name));
    buf_adds(ext->out, ":");
    buf_adds(ext->out, json);
    return ext->out->failed ? WEIR_NO_MEMORY : WEIR_OK;
}

/* ---- in ---------------------------------------------------------------------------------- */

bool client_ext_incoming(struct client *c, const struct message *message)
{
    json_t *tree = json_parse(message->raw.data, message->raw.len, "message", NULL);
    if (!tree)
        return true;
    weir_json *value = json_wrap(tree);
    bool wanted = true;
    for (size_t i = 0; i < c->extension_count; i++) {
        const weir_bayeux_extension *x = &c->extensions[i];
        if (x->incoming && !x->incoming(value, x->user))
            wanted = false;
    }
    weir_json_free(value);
    return wanted;
}
