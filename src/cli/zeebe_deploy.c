/* What is deployed: files, and of a folder those of its own that the engine knows by their ending,
 * in the order of their names. A resource is called by its base name, because a file that is moved
 * is still the same resource to the engine; two of one name would be two versions of one, and are
 * refused. */
#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "cli/base64.h"
#include "cli/fail.h"
#include "cli/file.h"
#include "cli/zeebe_rpc.h"

#define FILES_MAX 10000 /* of all folders; what is more is no folder of processes */

struct resource {
    char *path, *name;
};

struct resources {
    struct resource *list;
    size_t count;
};

static void add_resource(struct resources *all, char *path)
{
    const char *slash = strrchr(path, '/');
    const char *base = slash ? slash + 1 : path;
    all->list = memory_or_exit(all->list, all->count + 1, sizeof *all->list);
    all->list[all->count++] = (struct resource){path, copy_or_exit(base, strlen(base))};
}

static void free_resources(struct resources *all)
{
    for (size_t i = 0; i < all->count; i++) {
        release_memory(all->list[i].path);
        release_memory(all->list[i].name);
    }
    release_memory(all->list);
}

/* ---- folders ------------------------------------------------------------------------------ */

static bool is_folder(const char *path)
{
    struct stat found;
    return stat(path, &found) == 0 && S_ISDIR(found.st_mode);
}

static bool is_resource(const char *name)
{
    static const char *const endings[] = {".bpmn", ".dmn", ".form"};
    size_t len = strlen(name);
    for (size_t i = 0; i < sizeof endings / sizeof *endings; i++) {
        size_t ending = strlen(endings[i]);
        if (len > ending && name[0] != '.' && strcmp(name + len - ending, endings[i]) == 0)
            return true;
    }
    return false;
}

static int by_path(const void *a, const void *b)
{
    return strcmp(((const struct resource *)a)->path, ((const struct resource *)b)->path);
}

static char *path_in(const char *folder, const char *name)
{
    struct str path = {0};
    size_t len = strlen(folder);
    str_addf(&path, "%s%s%s", folder, folder[len - 1] == '/' ? "" : "/", name);
    return path.data;
}

/* A folder below a folder is not looked into, whatever it is called. */
static void add_if_file(struct resources *all, const char *folder, const char *name)
{
    if (!is_resource(name) || all->count >= FILES_MAX)
        return;
    char *path = path_in(folder, name);
    if (is_folder(path))
        release_memory(path);
    else
        add_resource(all, path);
}

static weir_status add_folder(struct resources *all, const char *folder, weir_error *err)
{
    size_t before = all->count;
    DIR *dir = opendir(folder);
    const struct dirent *entry = NULL;
    if (!dir)
        return fail_set_system(err, errno, "cannot read %s", folder);
    do {
        errno = 0;
        entry = readdir(dir);
        if (entry)
            add_if_file(all, folder, entry->d_name);
    } while (entry);
    int errnum = errno;
    (void)closedir(dir);
    if (errnum)
        return fail_set_system(err, errnum, "cannot read %s", folder);
    if (all->count == before)
        return fail_set(err, WEIR_INVALID, "%s has no file named *.bpmn, *.dmn or *.form", folder);
    if (all->count >= FILES_MAX)
        return fail_set(err, WEIR_INVALID, "%s has too many files: %d are the limit", folder,
                        FILES_MAX);
    qsort(all->list + before, all->count - before, sizeof *all->list, by_path);
    return WEIR_OK;
}

/* ---- names -------------------------------------------------------------------------------- */

static weir_status rename_one(struct zeebe_request *request, struct resources *all, size_t at,
                              const char *name, weir_error *err)
{
    if (at >= all->count)
        return zeebe_usage(request, err,
                           "--resource-names: there are more names than resources (%zu)",
                           all->count);
    release_memory(all->list[at].name);
    all->list[at].name = copy_or_exit(name, strlen(name));
    return WEIR_OK;
}

/* By position; what has no name of its own keeps its base name. */
static weir_status rename_all(struct zeebe_request *request, struct resources *all, weir_error *err)
{
    const char *given;
    size_t at = 0;
    weir_status status = WEIR_OK;
    for (size_t i = 0; (given = args_each(request->args, "resource-names", i)); i++) {
        char *names = copy_or_exit(given, strlen(given));
        char *rest = names;
        for (char *name; status == WEIR_OK && (name = strsep(&rest, ","));)
            status = rename_one(request, all, at++, name, err);
        release_memory(names);
    }
    return status;
}

static weir_status check_names(struct zeebe_request *request, const struct resources *all,
                               weir_error *err)
{
    for (size_t i = 0; i < all->count; i++) {
        const struct resource *one = &all->list[i];
        if (!*one->name || strcmp(one->name, "-") == 0)
            return zeebe_usage(request, err, "%s needs a name: --resource-names NAME",
                               strcmp(one->path, "-") == 0 ? "standard input" : one->path);
        for (size_t k = 0; k < i; k++)
            if (strcmp(all->list[k].name, one->name) == 0)
                return zeebe_usage(request, err,
                                   "%s and %s would both be the resource \"%s\": tell them apart "
                                   "with --resource-names",
                                   all->list[k].path, one->path, one->name);
    }
    return WEIR_OK;
}

/* ---- the request -------------------------------------------------------------------------- */

static weir_status find(struct zeebe_request *request, struct resources *all, weir_error *err)
{
    const struct args *args = request->args;
    for (size_t i = 0; i < args->word_count; i++) {
        const char *word = args->words[i];
        if (!*word)
            return zeebe_usage(request, err, "PATH is empty");
        if (!is_folder(word))
            add_resource(all, copy_or_exit(word, strlen(word)));
        else if (add_folder(all, word, err) != WEIR_OK)
            return err->status;
    }
    return rename_all(request, all, err) == WEIR_OK ? check_names(request, all, err) : err->status;
}

static weir_status add_content(struct zeebe_request *request, const struct resource *one,
                               weir_error *err)
{
    size_t len = 0;
    char *content = cli_read_file(one->path, &len, err);
    if (!content)
        return err->status;
    zeebe_add_name(&request->json, NULL);
    str_add(&request->json, "{\"name\":");
    weir_status status = zeebe_add_text(request, one->name, one->path, err);
    str_add(&request->json, ",\"content\":\"");
    cli_base64_encode(&request->json, content, len);
    str_add(&request->json, "\"}");
    release_memory(content);
    return status;
}

weir_status zeebe_add_resources(struct zeebe_request *request, const struct zeebe_field *field,
                                weir_error *err)
{
    struct resources all = {0};
    weir_status status = find(request, &all, err);
    zeebe_add_name(&request->json, field->member);
    str_add(&request->json, "[");
    for (size_t i = 0; status == WEIR_OK && i < all.count; i++)
        status = add_content(request, &all.list[i], err);
    str_add(&request->json, "]");
    free_resources(&all);
    return status;
}
