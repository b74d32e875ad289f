/* zeebe/codec_typed.h - the messages that the API gives as structs. Any thread. */
#ifndef ZEEBE_CODEC_TYPED_H
#define ZEEBE_CODEC_TYPED_H

#include <weir/zeebe.h>

weir_status codec_health(weir_bytes wire, weir_health *out, weir_error *err);
#endif
