/* The records of a PushTopic that pass a filter, with all that Salesforce still has:
 * topic "/topic/Orders?Region__c='EMEA'" */
#include <signal.h>
#include <stdio.h>
#include <weir/weir.h>

static weir_salesforce *sf;

static void on_signal(int number)
{
    (void)number;
    weir_salesforce_stop(sf);
}

static void show(const weir_event *event, void *user)
{
    (void)user;
    const weir_json *data = weir_event_json(event);
    printf("%s %s\n", weir_json_str(data, "/event/type", "?"),
           weir_json_str(data, "/sobject/Name", "?"));
    fflush(stdout);
}

int main(int argc, char **argv)
{
    weir_error err = {0};
    sf = weir_salesforce_open(WEIR_SALESFORCE(.handler = show), &err);
    signal(SIGINT, on_signal);
    signal(SIGTERM, on_signal);
    weir_salesforce_subscribe(sf, argc > 1 ? argv[1] : "/topic/Orders", WEIR_REPLAY_ALL,
                              WEIR_DEFAULT_TIMEOUT, &err);
    if (err.status == WEIR_OK)
        weir_salesforce_wait(sf, WEIR_FOREVER, &err);
    weir_salesforce_close(sf);
    return weir_error_exit(&err, "topic");
}
