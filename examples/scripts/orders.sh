#!/bin/bash
# Orders from Salesforce into one file a region, with jq. An order is acknowledged when it has been
# appended; what was not comes again. Needs SALESFORCE_ variables, see weir salesforce listen --help.
#
#   ./orders.sh STORE FOLDER [FLAGS OF weir salesforce listen]
set -euo pipefail

store=$1 folder=$2
shift 2
mkdir -p "$folder"

coproc LISTEN {
    exec weir salesforce listen /event/Order__e --store "$store" --ack stdin "$@"
}
while IFS= read -r line <&"${LISTEN[0]}"; do
    region=$(jq -r '.data.payload.Region__c // "nowhere"' <<<"$line")
    jq -c '.data.payload' <<<"$line" >>"$folder/$region.json"
    jq -r '.data.event.replayId' <<<"$line" >&"${LISTEN[1]}" || break
done
