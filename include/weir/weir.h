/* weir/weir.h - all of it. */
#ifndef WEIR_WEIR_H
#define WEIR_WEIR_H
#include <weir/base.h>
#include <weir/bayeux.h>
#include <weir/channel.h>
#include <weir/commands.h>
#include <weir/credentials.h>
#include <weir/error.h>
#include <weir/event.h>
#include <weir/job.h>
#include <weir/job_commands.h>
#include <weir/json.h>
#include <weir/log.h>
#include <weir/modify.h>
#include <weir/replay.h>
#include <weir/resources.h>
#include <weir/salesforce.h>
#include <weir/settings.h>
#include <weir/worker.h>
#include <weir/zeebe.h>
#endif
