/* bayeux/wslay.h - libwslay's functions, found when the first WebSocket is made. Only its frames
 * are used, not its events (docs/decisions/0110). */
#ifndef BAYEUX_WSLAY_H
#define BAYEUX_WSLAY_H

#include <weir/error.h>
#include <wslay/wslay.h>

struct wslay {
    int (*frame_context_init)(wslay_frame_context_ptr *ctx,
                              const struct wslay_frame_callbacks *callbacks, void *user);
    void (*frame_context_free)(wslay_frame_context_ptr ctx);
    ssize_t (*frame_send)(wslay_frame_context_ptr ctx, struct wslay_frame_iocb *iocb);
    ssize_t (*frame_recv)(wslay_frame_context_ptr ctx, struct wslay_frame_iocb *iocb);
};

extern struct wslay
    wslay; /* filled once wslay_load() has returned WEIR_OK, constant from then on */

/* Any thread, cheap after the first time. WEIR_UNSUPPORTED names the package to install. */
weir_status wslay_load(weir_error *err);
#endif
