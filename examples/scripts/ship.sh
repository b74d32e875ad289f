#!/bin/bash
# A handler with --outcomes: the script decides what becomes of its job, not its exit status alone.
# An address that will never do is an error of the process (a boundary event may catch it); a depot
# that is closed is worth another try later; the tries that are left are not used up by that.
#
#   DEPOT=/srv/depot weir zeebe work ship-parcel --outcomes -- ./ship.sh
set -euo pipefail

depot=${DEPOT:-/srv/depot}
country=$(grep -o '"country" *: *"[^"]*"' | grep -o '[^"]*"$' | tr -d '"' || true)

case $country in
DE | FR | NL)
    if [ -e "$depot/closed" ]; then
        printf '{"fail": {"retries": %d, "retryBackoff": "10m", "errorMessage": "the depot is closed"}}\n' "$WEIR_JOB_RETRIES"
    else
        mkdir -p "$depot"
        echo "$country" >"$depot/$WEIR_JOB_KEY"
        printf '{"complete": {"parcel": "%s-%s"}}\n' "$country" "$WEIR_JOB_KEY"
    fi
    ;;
*)
    printf '{"throw": {"errorCode": "NO_SUCH_COUNTRY", "errorMessage": "nobody ships to \\"%s\\""}}\n' "$country"
    ;;
esac
