/* The constructors: each reads its options, fills what is left out, and makes a plan. */
#include "zeebe/channel.h"

#include "core/error.h"
#include "core/options.h"

#include <weir/settings.h>

static const char *given_address(const char *option)
{
    const char *address = options_text(option);
    return address ? address : weir_setting_zeebe_address(NULL);
}

/* An address whose scheme contradicts the constructor is refused: guessing which of the two was
 * meant would either expose a token or fail in a TLS handshake that says nothing. */
static weir_status find_gateway(struct gateway *out, const char *address, bool plaintext,
                                const char *constructor, weir_error *err)
{
    weir_status status = gateway_parse(out, address, "grpc_address", err);
    if (status != WEIR_OK)
        return status;
    enum gateway_security against = plaintext ? GATEWAY_TLS : GATEWAY_PLAINTEXT;
    if (out->security != against)
        return WEIR_OK;
    gateway_clear(out);
    return error_set(err, WEIR_INVALID, "grpc_address '%s' asks for %s, but %s is for %s", address,
                     plaintext ? "TLS" : "plaintext", constructor, plaintext ? "plaintext" : "TLS");
}

static weir_channel *open_plain_options(const weir_channel_options *given, bool plaintext,
                                        const char *constructor, weir_credentials *credentials,
                                        weir_error *err)
{
    weir_channel_options o;
    struct gateway gateway = {0};
    if (error_held(err))
        return NULL;
    if (options_read(&o, sizeof o, given, "WEIR_CHANNEL", err) != WEIR_OK)
        return NULL;
    if (plaintext && o.tls) {
        error_set(err, WEIR_INVALID, "%s takes no .tls; weir_channel_secure() does", constructor);
        return NULL;
    }
    if (find_gateway(&gateway, given_address(o.grpc_address), plaintext, constructor, err) !=
        WEIR_OK)
        return NULL;
    struct channel_plan plan = {
        .gateway = &gateway,
        .plaintext = plaintext,
        .allow_plaintext_credentials = o.allow_plaintext_credentials,
        .tls = o.tls,
        .args = o.args,
        .proxy = o.proxy,
        .default_timeout = o.default_timeout,
        .credentials = credentials,
    };
    weir_channel *channel = channel_open(&plan, err);
    gateway_clear(&gateway);
    return channel;
}

weir_channel *weir_channel_insecure(const weir_channel_options *o, weir_error *err)
{
    return open_plain_options(o, true, "weir_channel_insecure()", NULL, err);
}

weir_channel *weir_channel_secure(const weir_channel_options *o, weir_error *err)
{
    return open_plain_options(o, false, "weir_channel_secure()", NULL, err);
}
