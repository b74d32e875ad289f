#!/bin/sh
# Bayeux servers in JavaScript: CometD's npm server, and faye, which is nobody's fork.
. "$(dirname "$0")/lib.sh"
. "$HERE/tools.sh"
. "$HERE/bayeux_tools.sh"
. "$HERE/bayeux_checks.sh"

npm_server_tools() { fetch_cometd_server && fetch_cometd_npm; }
faye_tools() { fetch_faye && fetch_cometd_npm; }

cometd_npm() {
    started start_npm_server cometd || return
    own_npm long-polling
    library long-polling service refuses read-only disconnects
    program auto
    lossy long-polling
    end "$SERVER"
}

faye() {
    started start_npm_server faye || return
    own_npm websocket
    library long-polling refuses
    library websocket refuses
    program auto
    end "$SERVER"
}

p="CometD npm server 1.2.1:"
has "$p" npm_server_tools && cometd_npm
p="faye 1.4.3:"
has "$p" faye_tools && faye
exit 0
