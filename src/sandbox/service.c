#include "sandbox/service.h"

#include <stdio.h>

void turn_begin(struct turn *turn, struct common *common, struct journal_request *request,
                void (*act)(void *user), void *user)
{
    char name[FAULT_TEXT_MAX + 16];
    turn->common = common;
    turn->fault = (struct fault){.how = FAULT_NONE};
    if (faults_take(common->faults, request->what, &turn->fault))
        request->fault = fault_name(&turn->fault, name, sizeof name);
    turn->entry = journal_begin(common->journal, request);
    timer_init(&turn->timer, common->loop, act, user);
    weir_ms wait = common->latency + turn->fault.after;
    if (wait <= 0 || timer_set_in(&turn->timer, wait) != WEIR_OK)
        act(user);
}

void turn_end(struct turn *turn, const char *status)
{
    if (!turn->ended)
        journal_end(turn->common->journal, turn->entry, status);
    turn->ended = true;
}

void turn_end_number(struct turn *turn, int status)
{
    char number[12];
    (void)snprintf(number, sizeof number, "%d", status);
    turn_end(turn, number);
}

void turn_clear(struct turn *turn)
{
    timer_cancel(&turn->timer);
    turn_end(turn, "gone");
}
