/* weir/settings.h - what the environment says about a Camunda 8 cluster.
 *
 * Each getter returns the first non-empty of its variables, then `fallback`; a required
 * setting that is nowhere is WEIR_MISSING with a message that names the variables. What is
 * returned points into the environment or at `fallback`: copy it to keep it.
 */
#ifndef WEIR_SETTINGS_H
#define WEIR_SETTINGS_H

#include <weir/error.h>

WEIR_BEGIN
/** ZEEBE_ADDRESS, `fallback`, "localhost:26500". Never fails. */
WEIR_API const char *weir_setting_zeebe_address(const char *fallback);
/** CAMUNDA_OAUTH_URL, ZEEBE_AUTHORIZATION_SERVER_URL, `fallback`. */
WEIR_API const char *weir_setting_oauth_url(const char *fallback, weir_error *err);
WEIR_API const char *weir_setting_client_id(weir_error *err);
WEIR_API const char *weir_setting_client_secret(weir_error *err);
WEIR_API const char *weir_setting_cluster_id(weir_error *err);
WEIR_API const char *weir_setting_cluster_region(const char *fallback, weir_error *err);
WEIR_API const char *weir_setting_token_audience(const char *fallback, weir_error *err);
/** "{cluster_id}.{region}.zeebe.camunda.io:443"; release with weir_free(). */
WEIR_API WEIR_MUST_USE char *weir_setting_camunda_address(const char *cluster_id,
                                                          const char *region, weir_error *err);
WEIR_END
#endif
