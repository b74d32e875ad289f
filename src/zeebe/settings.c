/* What the environment says about a Camunda 8 cluster. An empty variable counts as unset, always:
 * pyzeebe, whose names and order these are, sometimes lets one count. */
#include <weir/settings.h>

#include "core/error.h"
#include "core/mem.h"
#include "core/options.h"

#include <stdio.h>
#include <string.h>

/* The value of the first of two variables that has one, else `fallback`, else WEIR_MISSING. */
static const char *setting(const char *first, const char *second, const char *fallback,
                           weir_error *err)
{
    const char *value = options_env(first, second, (char *)NULL);
    if (!value)
        value = options_text(fallback);
    if (value)
        error_ok(err);
    else if (second)
        error_set(err, WEIR_MISSING, "no %s or %s provided", first, second);
    else
        error_set(err, WEIR_MISSING, "no %s provided", first);
    return value;
}

const char *weir_setting_zeebe_address(const char *fallback)
{
    return setting("ZEEBE_ADDRESS", NULL, options_text(fallback) ? fallback : "localhost:26500",
                   NULL);
}

const char *weir_setting_oauth_url(const char *fallback, weir_error *err)
{
    return setting("CAMUNDA_OAUTH_URL", "ZEEBE_AUTHORIZATION_SERVER_URL", fallback, err);
}

const char *weir_setting_client_id(weir_error *err)
{
    return setting("CAMUNDA_CLIENT_ID", "ZEEBE_CLIENT_ID", NULL, err);
}

const char *weir_setting_client_secret(weir_error *err)
{
    return setting("CAMUNDA_CLIENT_SECRET", "ZEEBE_CLIENT_SECRET", NULL, err);
}

const char *weir_setting_cluster_id(weir_error *err)
{
    return setting("CAMUNDA_CLUSTER_ID", NULL, NULL, err);
}

const char *weir_setting_cluster_region(const char *fallback, weir_error *err)
{
    return setting("CAMUNDA_CLUSTER_REGION", NULL, fallback, err);
}

const char *weir_setting_token_audience(const char *fallback, weir_error *err)
{
    return setting("CAMUNDA_TOKEN_AUDIENCE", "ZEEBE_TOKEN_AUDIENCE", fallback, err);
}

/* What stands in a host name's place must be one part of it: "a/b" or "evil.example/" as an id
 * would send tokens elsewhere. */
static weir_status check_label(const char *text, const char *what, weir_error *err)
{
    for (const char *at = text; *at; at++) {
        bool fine = (*at >= 'a' && *at <= 'z') || (*at >= 'A' && *at <= 'Z') ||
                    (*at >= '0' && *at <= '9') || *at == '-';
        if (!fine)
            return error_set(err, WEIR_INVALID,
                             "%s '%.80s' is none: it has letters, digits and '-' only", what, text);
    }
    return WEIR_OK;
}

char *weir_setting_camunda_address(const char *cluster_id, const char *region, weir_error *err)
{
    static const char domain[] = "zeebe.camunda.io:443";
    if (!options_text(cluster_id) || !options_text(region)) {
        error_set(err, WEIR_MISSING,
                  "the cluster id and the region must be provided "
                  "(CAMUNDA_CLUSTER_ID, CAMUNDA_CLUSTER_REGION)");
        return NULL;
    }
    if (check_label(cluster_id, "the cluster id", err) != WEIR_OK ||
        check_label(region, "the region", err) != WEIR_OK)
        return NULL;
    size_t size = strlen(cluster_id) + strlen(region) + sizeof domain + 2;
    char *address = mem_zalloc(size);
    if (!address) {
        error_no_memory(err);
        return NULL;
    }
    (void)snprintf(address, size, "%s.%s.%s", cluster_id, region, domain);
    error_ok(err);
    return address;
}
