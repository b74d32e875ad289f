/* credentials/cache_jwt.h - whether a token from somebody's file is for us, as far as it says so
 * itself. Nothing is verified: this only keeps tokens from being used by mistake. */
#ifndef CREDENTIALS_CACHE_JWT_H
#define CREDENTIALS_CACHE_JWT_H

#include <stdbool.h>

/* False: it is a JWT that names another client, or other audiences only. `audience` may be NULL. */
bool cache_jwt_allows(const char *token, const char *client_id, const char *audience);
#endif
