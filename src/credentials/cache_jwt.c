#include "credentials/cache_jwt.h"

#include "core/json.h"
#include "core/mem.h"
#include "core/text.h"

#include <string.h>

/* The claims, if the token is a JWT with readable ones. */
static json_t *claims_of(const char *token)
{
    void *bytes = NULL;
    size_t len = 0;
    const char *first = strchr(token, '.');
    const char *second = first ? strchr(first + 1, '.') : NULL;
    if (!second || !base64_decode(first + 1, (size_t)(second - first - 1), true, &bytes, &len))
        return NULL;
    json_t *claims = json_parse(bytes, len, "claims", NULL);
    mem_free(bytes);
    return claims;
}

/* Of the claims that servers name a client by (RFC 9068, OpenID Connect, Entra ID, Okta, Camunda),
 * those that are there must name ours; without any, nothing is said. */
static bool names_client(const json_t *claims, const char *client_id)
{
    static const char *const names[] = {"client_id", "azp", "appid", "cid",
                                        "https://camunda.com/clientId"};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        const char *value = json_string_value(json_object_get(claims, names[i]));
        if (value && strcmp(value, client_id) != 0)
            return false;
    }
    return true;
}

static bool names_audience(const json_t *claims, const char *audience)
{
    const json_t *aud = json_object_get(claims, "aud");
    if (!audience || !aud)
        return true;
    if (json_is_string(aud))
        return strcmp(json_string_value(aud), audience) == 0;
    for (size_t i = 0; i < json_array_size(aud); i++) {
        const char *value = json_string_value(json_array_get(aud, i));
        if (value && strcmp(value, audience) == 0)
            return true;
    }
    return json_array_size(aud) == 0;
}

bool cache_jwt_allows(const char *token, const char *client_id, const char *audience)
{
    json_t *claims = claims_of(token);
    bool allowed = names_client(claims, client_id) && names_audience(claims, audience);
    json_decref(claims);
    return allowed;
}
