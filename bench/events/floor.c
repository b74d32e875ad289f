/* The floor of the benchmark of events: libcurl, one connection, and nothing is parsed but the
 * client's id. What comes is written to standard output as it is.
 * Usage: floor URL ANSWERS */
#include <curl/curl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static char answer[4096]; /* its beginning */
static size_t answer_len;

static size_t take(char *bytes, size_t size, size_t count, void *user)
{
    size_t len = size * count;
    size_t room = sizeof answer - 1 - answer_len;
    size_t more = len < room ? len : room;
    (void)user;
    memcpy(answer + answer_len, bytes, more);
    answer_len += more;
    answer[answer_len] = '\0';
    return write(STDOUT_FILENO, bytes, len) == (ssize_t)len ? len : 0;
}

static void post(CURL *curl, const char *body)
{
    answer_len = 0;
    curl_easy_setopt(curl, CURLOPT_POSTFIELDS, body);
    curl_easy_setopt(curl, CURLOPT_POSTFIELDSIZE, (long)strlen(body));
    CURLcode code = curl_easy_perform(curl);
    if (code == CURLE_OK)
        return;
    fprintf(stderr, "floor: %s\n", curl_easy_strerror(code));
    exit(1);
}

int main(int argc, char **argv)
{
    char client[64];
    char body[512];
    if (argc != 3)
        return 64;
    CURL *curl = curl_easy_init();
    struct curl_slist *headers = curl_slist_append(NULL, "Content-Type: application/json");
    headers = curl_slist_append(headers, "Authorization: Bearer bench-token");
    curl_easy_setopt(curl, CURLOPT_URL, argv[1]);
    curl_easy_setopt(curl, CURLOPT_HTTPHEADER, headers);
    curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, take);
    curl_easy_setopt(curl, CURLOPT_COOKIEFILE, "");
    curl_easy_setopt(curl, CURLOPT_BUFFERSIZE, 131072L);
    post(curl, "[{\"channel\":\"/meta/handshake\",\"version\":\"1.0\",\"id\":\"1\"}]");
    const char *at = strstr(answer, "\"clientId\":\"");
    if (!at || sscanf(at, "\"clientId\":\"%63[^\"]", client) != 1)
        return 1;
    (void)snprintf(body, sizeof body,
                   "[{\"channel\":\"/meta/connect\",\"clientId\":\"%s\",\"id\":\"2\"},{\"channel\":"
                   "\"/meta/subscribe\",\"subscription\":\"/event/Order__e\",\"clientId\":\"%s\","
                   "\"id\":\"3\"}]",
                   client, client);
    post(curl, body);
    (void)snprintf(body, sizeof body,
                   "[{\"channel\":\"/meta/connect\",\"clientId\":\"%s\",\"connectionType\":"
                   "\"long-polling\",\"id\":\"4\"}]",
                   client);
    for (long left = strtol(argv[2], NULL, 10); left > 0; left--)
        post(curl, body);
    curl_slist_free_all(headers);
    curl_easy_cleanup(curl);
    return 0;
}
