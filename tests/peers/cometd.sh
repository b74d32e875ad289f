#!/bin/sh
# CometD's Java server: long polling, WebSocket, the acknowledge extension, TLS before it.
. "$(dirname "$0")/lib.sh"
. "$HERE/tools.sh"
. "$HERE/bayeux_tools.sh"
. "$HERE/bayeux_checks.sh"
. "$HERE/certs.sh"

cometd_java() {
    compile_java || { FAIL "$p start" "its Java does not compile (above)"; return; }
    started start_cometd_java both || return
    own_java long-polling
    own_java websocket
    library long-polling service refuses read-only disconnects
    library websocket service refuses read-only disconnects
    program auto
    lossy long-polling
    lossy websocket
    has "$p TLS:" need nginx openssl && behind_tls
    end "$SERVER"
    only polling auto
    only websocket websocket
}

# A server that takes one transport only. Of "auto" it gets the one it takes.
only() { # WHICH TRANSPORT
    q=$p p="$p $1 only:"
    if started start_cometd_java "$1"; then program "$2" && end "$SERVER"; fi
    p=$q
}

p="CometD Java 8.0.10:"
has "$p" fetch_cometd_java && cometd_java
exit 0
