#!/bin/sh
# For other scripts: fetches one of what bayeux_tools.sh knows, or says why it cannot be had. Usage: bayeux_fetch.sh NAME
. "$(dirname "$0")/lib.sh"
. "$HERE/bayeux_tools.sh"
"fetch_$1"
