/* Prints events of a Salesforce channel, and goes on where it left off when it is started again:
 * listen [CHANNEL] */
#include <stdio.h>
#include <weir/weir.h>

int main(int argc, char **argv)
{
    weir_error err = {0};
    weir_event *event;
    weir_salesforce *sf =
        weir_salesforce_open(WEIR_SALESFORCE(.channel = argc > 1 ? argv[1] : "/event/Order__e",
                                             .replay_file = "replay.db"),
                             &err);
    while (weir_salesforce_next(sf, &event, WEIR_FOREVER, &err) == WEIR_OK ||
           weir_error_retryable(&err)) { /* an outage, which is being mended */
        if (event)
            printf("%s %s\n", weir_event_attr(event, "replayid"), weir_event_text(event));
        fflush(stdout);
        weir_event_free(event); /* asking for the next one acknowledges this one */
    }
    weir_salesforce_close(sf);
    return weir_error_exit(&err, "listen");
}
