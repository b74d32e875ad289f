/* Where a store's file lies, and who holds it.
 *
 * One listener at a time per organisation and group: a lock on one byte of a file beside the store
 * (open file description lock). The kernel gives it back when the process ends, however it ends,
 * and it stands between two handles of one process, too. It is not taken on the store's file: to
 * close any descriptor of that file would take SQLite's own locks away. For the same reason nothing
 * here ever opens the store's file once SQLite may have it open.
 *
 * A lock file that somebody removes is no catastrophe: whoever claims next writes a token of its
 * own into the store, and each save compares. */
#include "core/error.h"
#include "salesforce/store_sqlite.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#define SMALLEST 512 /* bytes of a database; https://www.sqlite.org/fileformat.html */

/* --- where -------------------------------------------------------------------------------- */

static weir_status too_long(const char *what, weir_error *err)
{
    return error_set(err, WEIR_INVALID, "%s: the path is too long", what);
}

static bool join(char out[SQLITE_STORE_PATH], const char *first, const char *second)
{
    int need = snprintf(out, SQLITE_STORE_PATH, "%s%s", first, second);
    return need > 0 && need < SQLITE_STORE_PATH;
}

/* The folder's real path and the name in it, of a file that is not there. */
static weir_status find_folder(struct sqlite_place *out, const char *path, const char *what,
                               weir_error *err)
{
    char folder[SQLITE_STORE_PATH] = ".", real[SQLITE_STORE_PATH];
    const char *slash = strrchr(path, '/');
    const char *name = slash ? slash + 1 : path;
    struct stat st;
    if (lstat(path, &st) == 0)
        return error_set(err, WEIR_STORE,
                         "%s: it is a symbolic link to nothing; remove it or give another file",
                         what);
    if (!*name)
        return error_set(err, WEIR_STORE, "%s: the name of a file is wanted, not of a folder",
                         what);
    if (slash) /* with the slash, so that the root has a name */
        (void)snprintf(folder, sizeof folder, "%.*s", (int)(name - path), path);
    if (!realpath(folder, real))
        return error_system(err, WEIR_STORE, errno, "%s: its folder '%s' cannot be entered", what,
                            folder);
    size_t len = strlen(real);
    real[len > 1 ? len : 0] = '\0';
    int need = snprintf(out->real, sizeof out->real, "%s/%s", real, name);
    return need > 0 && (size_t)need < sizeof out->real ? WEIR_OK : too_long(what, err);
}

static weir_status check_file(const struct stat *st, const char *what, weir_error *err)
{
    if (S_ISDIR(st->st_mode))
        return error_set(err, WEIR_STORE, "%s: it is a folder; give the name of a file", what);
    if (!S_ISREG(st->st_mode))
        return error_set(err, WEIR_STORE, "%s: it is no regular file; give another one", what);
    if (st->st_size == 0)
        return error_set(err, WEIR_STORE,
                         "%s: it is an empty file, and a store never is; if it was one, its "
                         "positions are lost: remove it and listen again from \"all\" (--replay "
                         "all), or give another file",
                         what);
    if (st->st_size < SMALLEST) /* SQLite takes one byte for none */
        return error_set(err, WEIR_STORE, "%s: it is no store of weir and no database at all; %s",
                         what, SQLITE_STORE_GO_ON);
    if (st->st_nlink > 1)
        return error_set(err, WEIR_STORE,
                         "%s: it has two names (hard links), and SQLite would lose track of what "
                         "was written by the other one; remove the other name or copy the file",
                         what);
    return WEIR_OK;
}

/* Shared memory does not reach from machine to machine (sqlite.org/wal.html). */
static bool on_network(const char *file)
{
    static const uint32_t types[] = {
        0x6969 /* NFS */,        0x517b /* SMB */,      0xff534d42 /* CIFS */,
        0xfe534d42 /* SMB2 */,   0x00c36400 /* Ceph */, 0x5346414f /* AFS */,
        0x0bd00bd0 /* Lustre */, 0x01161970 /* GFS2 */, 0x7461636f /* OCFS2 */};
    char folder[SQLITE_STORE_PATH];
    struct statfs fs;
    (void)snprintf(folder, sizeof folder, "%.*s/", (int)(strrchr(file, '/') - file), file);
    if (statfs(folder, &fs))
        return false;
    for (size_t i = 0; i < sizeof types / sizeof *types; i++) {
        if ((uint32_t)fs.f_type == types[i])
            return true;
    }
    return false;
}

weir_status sqlite_place_find(struct sqlite_place *out, const char *path, const char *what,
                              weir_error *err)
{
    struct stat st;
    *out = (struct sqlite_place){0};
    if (strlen(path) >= SQLITE_STORE_PATH - sizeof "-journal")
        return too_long(what, err);
    out->missing = stat(path, &st) != 0;
    if (out->missing && errno != ENOENT)
        return error_system(err, WEIR_STORE, errno, "%s: it cannot be opened", what);
    weir_status status =
        out->missing ? find_folder(out, path, what, err) : check_file(&st, what, err);
    if (status != WEIR_OK)
        return status;
    if (!out->missing && !realpath(path, out->real))
        return error_system(err, WEIR_STORE, errno, "%s: it cannot be found", what);
    if (!join(out->lock, out->real, "-lock") || !join(out->made, out->real, "-new"))
        return too_long(what, err);
    out->network = on_network(out->real);
    return WEIR_OK;
}

/* --- who ---------------------------------------------------------------------------------- */

int64_t sqlite_lock_byte(const char *organisation, const char *group)
{
    const uint64_t most = sizeof(off_t) > 4 ? INT64_MAX / 2 : INT32_MAX / 2;
    uint64_t hash = UINT64_C(0xcbf29ce484222325); /* FNV-1a */
    const char *texts[] = {organisation, group};
    for (size_t i = 0; i < 2; i++) {
        for (size_t k = 0; k == 0 || texts[i][k - 1]; k++) /* the NUL counts */
            hash = (hash ^ (unsigned char)texts[i][k]) * UINT64_C(0x100000001b3);
    }
    return (int64_t)(hash % most) + 1;
}

/* As SQLite does for its side files: root must not shut the store's owner out. Whatever the umask
 * says, its owner may use it again. */
static void share_as(int fd, const char *lock_path)
{
    char path[SQLITE_STORE_PATH];
    struct stat store, mine;
    (void)snprintf(path, sizeof path, "%.*s", (int)(strlen(lock_path) - strlen("-lock")),
                   lock_path);
    if (fstat(fd, &mine))
        return;
    bool there = stat(path, &store) == 0;
    mode_t mode = 0600 | (there ? store.st_mode & 0666 : 0);
    if (mine.st_uid == geteuid() && (mine.st_mode & 0777) != mode)
        (void)!fchmod(fd, mode);
    if (there && geteuid() == 0 && (mine.st_uid != store.st_uid || mine.st_gid != store.st_gid))
        (void)!fchown(fd, store.st_uid, store.st_gid);
}

static bool still_there(int fd, const char *path)
{
    struct stat mine, there;
    return fstat(fd, &mine) == 0 && stat(path, &there) == 0 && mine.st_dev == there.st_dev &&
           mine.st_ino == there.st_ino;
}

static weir_status lock_once(const char *path, int64_t byte, const char *what, int *fd,
                             weir_error *err)
{
    struct flock lock = {.l_type = F_WRLCK, .l_whence = SEEK_SET, .l_start = byte, .l_len = 1};
    *fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW | O_NOCTTY, 0600);
    if (*fd < 0)
        return error_system(err, WEIR_STORE, errno, "%s: its lock file '%s' cannot be opened", what,
                            path);
    share_as(*fd, path);
    if (fcntl(*fd, F_OFD_SETLK, &lock) == 0)
        return WEIR_OK;
    int why = errno;
    close(*fd);
    *fd = -1;
    if (why == EAGAIN || why == EACCES)
        return WEIR_CONFLICT;
    return error_system(err, WEIR_STORE, why, "%s: '%s' cannot be locked", what, path);
}

weir_status sqlite_lock_take(const char *lock_path, int64_t byte, const char *what, int *fd,
                             weir_error *err)
{
    for (int tries = 0; tries < 3; tries++) {
        weir_status status = lock_once(lock_path, byte, what, fd, err);
        if (status != WEIR_OK || still_there(*fd, lock_path))
            return status;
        close(*fd); /* somebody removed it in between */
        *fd = -1;
    }
    return error_set(err, WEIR_STORE, "%s: its lock file '%s' is removed again and again", what,
                     lock_path);
}
