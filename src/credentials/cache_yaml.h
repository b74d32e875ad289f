/* credentials/cache_yaml.h - as much YAML as credentials files are made of, strictly: block
 * mappings by indentation, scalars plain or quoted on their line, comments. Whatever else YAML has
 * (lists, flow collections, anchors, block scalars, several documents) is not understood: at the
 * top it makes a file broken, inside an entry that entry unreadable. Pure. */
#ifndef CREDENTIALS_CACHE_YAML_H
#define CREDENTIALS_CACHE_YAML_H

#include "core/buf.h"

#define YAML_DEPTH 8

/* A member of the top mapping, with all lines and comments up to the next one. */
struct yaml_entry {
    char *name; /* decoded */
    const char *text;
    size_t len;
    int line; /* the first one's number */
};

struct yaml_file {
    size_t head; /* bytes before the first entry: comments, "---" */
    struct yaml_entry *entries;
    size_t count;
};

/* Points into `text`. WEIR_INVALID: broken, with the line's number; nothing is quoted. */
weir_status yaml_split(struct yaml_file *out, const char *text, size_t len, weir_error *err);
void yaml_clear(struct yaml_file *file);

/* A scalar and the names that lead to it; name[0] is the entry's. Borrowed. Whatever it returns
 * but OK ends the walk. */
typedef weir_status yaml_scalar_fn(void *user, const char *const *names, size_t depth,
                                   const char *value);
/* WEIR_INVALID: not understood. */
weir_status yaml_walk(const struct yaml_entry *entry, yaml_scalar_fn *scalar, void *user);

/* A quoted scalar. */
void yaml_add(struct buf *out, const char *text);
#endif
