#!/bin/bash
# A handler for `-- CMD`: one process a job. Variables come in, variables go out; what is wrong is
# said on standard error, and any status but 0 fails the job with it.
#
#   weir zeebe work charge-card -- ./charge.sh
set -euo pipefail

variables=$(cat)

# Enough for flat variables; take jq for more.
number() { grep -o "\"$1\" *: *[0-9]*" <<<"$variables" | grep -o '[0-9]*$' || true; }

amount=$(number amount)
balance=$(number balance)
if [ -z "$amount" ] || [ -z "$balance" ]; then
    echo "job $WEIR_JOB_KEY of $WEIR_JOB_BPMN_PROCESS_ID has no amount or no balance" >&2
    exit 1
fi
if [ "$amount" -gt "$balance" ]; then
    echo "the card is short of $((amount - balance))" >&2
    exit 1
fi
printf '{"charged": %d, "balance": %d}\n' "$amount" "$((balance - amount))"
