#include "core/shield.h"

#include <pthread.h>

int shield_up(void)
{
    int before = PTHREAD_CANCEL_ENABLE;
    pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &before);
    return before;
}

void shield_down(int before)
{
    int ours;
    pthread_setcancelstate(before, &ours);
}
