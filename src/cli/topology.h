/* cli/topology.h - a cluster as zbctl shows it. */
#ifndef CLI_TOPOLOGY_H
#define CLI_TOPOLOGY_H

#include "cli/str.h"

#include <weir/zeebe.h>

void cli_topology_text(struct str *out, const weir_topology *topology);
#endif
