/* Runs every file of a corpus through a fuzz target, each of them cut short at every length up to
 * 512, and then a bounded number of mutations, always the same: FUZZ_SEED=N and FUZZ_ROUNDS=N
 * change them. A crash or a sanitizer's report is the failure. */
#include <dirent.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define INPUT_MAX (1024 * 1024)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int replay(const char *path)
{
    static uint8_t data[INPUT_MAX];
    FILE *file = fopen(path, "rb");
    if (!file)
        return 0;
    size_t size = fread(data, 1, sizeof data, file);
    fclose(file);
    for (size_t cut = 0; cut < size && cut < 512; cut++)
        LLVMFuzzerTestOneInput(data, cut);
    LLVMFuzzerTestOneInput(data, size);
    return 1;
}

static uint64_t seed;

/* splitmix64: the same everywhere. */
static size_t chance(size_t below)
{
    uint64_t z = seed += 0x9e3779b97f4a7c15;
    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9;
    z = (z ^ z >> 27) * 0x94d049bb133111eb;
    return (size_t)((z ^ z >> 31) % below);
}

/* Changes a byte, flips a bit, cuts a piece out or repeats one. Returns the new size. */
static size_t mutate(uint8_t *data, size_t size)
{
    static const char tokens[] = "{}[]\",:/\\%@#?0-9.eu";
    size_t at = chance(size);
    size_t len = 1 + chance(size - at);
    switch (chance(4)) {
    case 0:
        data[at] = chance(2) ? (uint8_t)tokens[chance(sizeof tokens)] : (uint8_t)chance(256);
        return size;
    case 1:
        data[at] = (uint8_t)(data[at] ^ 1U << chance(8));
        return size;
    case 2:
        memmove(data + at, data + at + len, size - at - len);
        return size - len;
    default:
        len = len > 64 ? 64 : len;
        memmove(data + at + len, data + at, size - at);
        return size + len;
    }
}

static void replay_mutations(const char *path, uint64_t start, long rounds)
{
    seed = start; /* folders have no order */
    static uint8_t original[INPUT_MAX];
    FILE *file = fopen(path, "rb");
    size_t size = file ? fread(original, 1, sizeof original / 2, file) : 0;
    if (file)
        fclose(file);
    for (long round = 0; size > 0 && round < rounds; round++) {
        uint8_t *data = malloc(size + 8 * 64);
        size_t now = size;
        if (!data)
            abort();
        memcpy(data, original, size);
        for (size_t steps = 1 + chance(8); steps > 0 && now > 0; steps--)
            now = mutate(data, now);
        uint8_t *exact = malloc(now ? now : 1); /* so that ASan sees a byte too far */
        if (!exact)
            abort();
        memcpy(exact, data, now);
        LLVMFuzzerTestOneInput(exact, now);
        free(exact);
        free(data);
    }
}

static long number(const char *name, long fallback)
{
    const char *text = getenv(name);
    return text ? strtol(text, NULL, 10) : fallback;
}

int main(void)
{
    long rounds = number("FUZZ_ROUNDS", 2000);
    uint64_t start = (uint64_t)number("FUZZ_SEED", 1);
    printf("FUZZ_SEED=%llu FUZZ_ROUNDS=%ld\n", (unsigned long long)start, rounds);
    fflush(stdout);
    int count = 0;
    DIR *folder = opendir(CORPUS);
    const struct dirent *entry;
    while (folder && (entry = readdir(folder))) {
        char path[4096];
        snprintf(path, sizeof path, "%s/%s", CORPUS, entry->d_name);
        if (entry->d_name[0] == '.')
            continue;
        count += replay(path);
        replay_mutations(path, start, rounds);
    }
    if (folder)
        closedir(folder);
    printf("%d inputs of %s replayed\n", count, CORPUS);
    return count > 0 ? 0 : 1;
}
