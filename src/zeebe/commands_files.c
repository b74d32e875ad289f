/* Gathering resources. A file is named by the last part of its path, as every client does: the
 * broker knows resources by that name, so that the same file deployed from another place is a new
 * version and not a new resource.
 *
 * Thread: the caller's, which waits for the disk. */
#include "zeebe/commands_files.h"

#include "core/error.h"
#include "core/file.h"
#include "core/limits.h"
#include "core/mem.h"
#include "core/options.h"
#include "core/text.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define OVERHEAD 32 /* of a resource in a request */

void files_free(struct named_files *files)
{
    for (size_t i = 0; i < files->count; i++) {
        mem_free(files->list[i].path);
        mem_free(files->list[i].read);
    }
    mem_free(files->list);
    *files = (struct named_files){.list = NULL};
}

/* Room for one more, zeroed. */
static struct named_file *add(struct named_files *files, weir_error *err)
{
    if (files->count == files->room) {
        size_t room = files->room ? files->room * 2 : 8;
        struct named_file *list = mem_realloc(files->list, room * sizeof *list);
        if (!list) {
            error_no_memory(err);
            return NULL;
        }
        files->list = list;
        files->room = room;
    }
    struct named_file *file = &files->list[files->count++];
    *file = (struct named_file){.name = ""};
    return file;
}

/* ---- one ----------------------------------------------------------------------------------- */

/* After its name and data are known. */
static weir_status accept(struct named_files *files, size_t at, weir_error *err)
{
    const struct named_file *file = &files->list[at];
    size_t name_len = strlen(file->name);
    for (size_t i = 0; i < at; i++) {
        if (strcmp(files->list[i].name, file->name) == 0)
            return error_set(err, WEIR_INVALID,
                             "two resources are called '%.200s'; rename one, or deploy them one "
                             "after the other",
                             file->name);
    }
    if (!text_is_utf8(file->name, name_len))
        return error_set(err, WEIR_INVALID, "the name of a resource is not UTF-8");
    if (files->bytes + file->len > LIMIT_DEPLOYMENT)
        return error_set(err, WEIR_INVALID, "more than %d bytes in one deployment",
                         LIMIT_DEPLOYMENT);
    files->bytes += file->len + name_len + OVERHEAD;
    return WEIR_OK;
}

static const char *last_part(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash ? slash + 1 : path;
}

/* `path` becomes ours. */
static weir_status add_path(struct named_files *files, char *path, weir_error *err)
{
    struct named_file *file = path ? add(files, err) : NULL;
    if (!path)
        return error_no_memory(err);
    if (!file) {
        mem_free(path);
        return WEIR_NO_MEMORY;
    }
    file->path = path;
    file->name = last_part(path);
    return WEIR_OK;
}

static weir_status read_path(struct named_files *files, size_t at, weir_error *err)
{
    struct named_file *file = &files->list[at];
    if (!*file->name)
        return error_set(err, WEIR_INVALID, "'%.200s' is no path of a file", file->path);
    weir_status status =
        file_read(file->path, LIMIT_RESOURCE, "the resource", &file->read, &file->len, err);
    file->data = file->read;
    return status == WEIR_OK ? accept(files, at, err) : status;
}

static weir_status add_file(struct named_files *files, const char *path, weir_error *err)
{
    weir_status status = add_path(files, mem_strdup(path), err);
    return status == WEIR_OK ? read_path(files, files->count - 1, err) : status;
}

static weir_status add_memory(struct named_files *files, const weir_resource *resource,
                              weir_error *err)
{
    struct named_file *file = add(files, err);
    if (!file)
        return WEIR_NO_MEMORY;
    if (!resource->name || !*resource->name)
        return error_set(err, WEIR_INVALID, "a resource has no name");
    file->name = resource->name;
    file->data = resource->content.data;
    file->len = resource->content.len;
    if (!file->data && file->len)
        return error_set(err, WEIR_INVALID, "resource '%.200s': content.data is NULL", file->name);
    return accept(files, files->count - 1, err);
}

/* ---- a folder ------------------------------------------------------------------------------ */

static bool is_resource(const char *name)
{
    static const char *const endings[] = {".bpmn", ".dmn", ".form"};
    size_t len = strlen(name);
    for (size_t i = 0; *name != '.' && i < sizeof endings / sizeof *endings; i++) {
        size_t ending = strlen(endings[i]);
        if (len > ending && strcmp(name + len - ending, endings[i]) == 0)
            return true;
    }
    return false;
}

static int by_name(const void *a, const void *b)
{
    const struct named_file *left = a, *right = b;
    return strcmp(left->name, right->name);
}

static char *join(const char *folder, const char *name)
{
    size_t size = strlen(folder) + strlen(name) + 2;
    char *path = mem_zalloc(size);
    if (path)
        (void)snprintf(path, size, "%s/%s", folder, name);
    return path;
}

/* Their paths only: an order is made first. */
static weir_status list_folder(struct named_files *files, DIR *dir, const char *folder,
                               weir_error *err)
{
    weir_status status = WEIR_OK;
    errno = 0;
    for (const struct dirent *entry = readdir(dir); entry && status == WEIR_OK;) {
        if (is_resource(entry->d_name))
            status = add_path(files, join(folder, entry->d_name), err);
        errno = 0;
        entry = readdir(dir);
    }
    if (status == WEIR_OK && errno)
        status = error_system(err, WEIR_STORE, errno, "the folder: cannot read '%s'", folder);
    return status;
}

static weir_status add_folder(struct named_files *files, const char *folder, weir_error *err)
{
    size_t first = files->count;
    DIR *dir = opendir(folder);
    if (!dir)
        return error_system(err, WEIR_STORE, errno, "the folder: cannot open '%s'", folder);
    weir_status status = list_folder(files, dir, folder, err);
    closedir(dir);
    if (status != WEIR_OK)
        return status;
    if (files->count == first)
        return error_set(err, WEIR_INVALID, "folder '%.200s' holds no .bpmn, .dmn or .form file",
                         folder);
    qsort(files->list + first, files->count - first, sizeof *files->list, by_name);
    for (size_t i = first; status == WEIR_OK && i < files->count; i++)
        status = read_path(files, i, err);
    return status;
}

/* ---- all ----------------------------------------------------------------------------------- */

weir_status files_gather(struct named_files *files, const weir_deploy *what, weir_error *err)
{
    weir_status status = WEIR_OK;
    const char *const *path = what->files;
    const weir_resource *resource = what->resources;
    const char *folder = options_text(what->folder);
    for (; status == WEIR_OK && path && *path; path++)
        status = add_file(files, *path, err);
    for (; status == WEIR_OK && resource && (resource->name || resource->content.data); resource++)
        status = add_memory(files, resource, err);
    if (status == WEIR_OK && folder)
        status = add_folder(files, folder, err);
    if (status == WEIR_OK && files->count == 0)
        status = error_set(err, WEIR_INVALID,
                           "there is nothing to deploy: give files, resources "
                           "or a folder");
    return status;
}
