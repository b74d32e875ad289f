/* Runs every file of a corpus through a fuzz target, and each of them cut short at every length up
 * to 512. A crash or a sanitizer's report is the failure. */
#include <dirent.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

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

int main(void)
{
    int count = 0;
    DIR *folder = opendir(CORPUS);
    const struct dirent *entry;
    while (folder && (entry = readdir(folder))) {
        char path[4096];
        snprintf(path, sizeof path, "%s/%s", CORPUS, entry->d_name);
        if (entry->d_name[0] != '.')
            count += replay(path);
    }
    if (folder)
        closedir(folder);
    printf("%d inputs of %s replayed\n", count, CORPUS);
    return count > 0 ? 0 : 1;
}
