# Sourced after lib.sh: our sandbox's Salesforce, for other people's clients.
# shellcheck shell=sh

# start_sandbox: sets the variables that point clients at it.
start_sandbox() {
    start "$WORK/sandbox.err" sh -c 'out=$1; shift; exec "$@" >"$out"' sh "$WORK/sandbox.vars" "$WEIR" sandbox --only salesforce
    SANDBOX=$STARTED
    until_true 20 grep -qx ready "$WORK/sandbox.vars" || return 1
    eval "$(grep '^export ' "$WORK/sandbox.vars")"
}

# emit_numbers CHANNEL FROM TO: their replay ids are lines of $WORK/ids.
emit_numbers() {
    "$WEIR" sandbox emit salesforce "$1" --first "$2" --count $(($3 - $2 + 1)) >>"$WORK/ids"
}
sandbox_now() { "$WEIR" sandbox now salesforce "$@"; }
