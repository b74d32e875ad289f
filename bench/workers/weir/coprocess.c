/* The least a coprocess of `weir zeebe work` can do: each line on its input is a job, of which it
 * says that it is complete. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int main(void)
{
    char *line = NULL;
    size_t size = 0;
    while (getline(&line, &size, stdin) > 0) {
        const char *key = strstr(line, "\"key\":\"");
        if (!key)
            return 1;
        key += strlen("\"key\":\"");
        printf("{\"key\":\"%.*s\",\"complete\":{}}\n", (int)strspn(key, "0123456789"), key);
        fflush(stdout);
    }
    free(line);
    return 0;
}
