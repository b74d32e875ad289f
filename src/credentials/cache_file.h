/* credentials/cache_file.h - tokens on disk, shared with other processes. Everything here may wait
 * for the disk, and for at most two seconds for other writers: it runs on a source's helper thread,
 * never on the I/O thread. A file that cannot be read or written is a warning in the log, and the
 * source works as if there were none. */
#ifndef CREDENTIALS_CACHE_FILE_H
#define CREDENTIALS_CACHE_FILE_H

#include "credentials/cache_text.h"
#include "credentials/grant.h"

struct cache;

/* `grant` is borrowed. Nothing is read yet. NULL: no memory. */
struct cache *cache_new(const char *path, const struct grant *grant, bool foreign);
void cache_free(struct cache *cache);
/* What serves the grant's request; empty when there is nothing. */
void cache_load(struct cache *cache, const struct clock *clock, struct cache_found *out);
void cache_store(struct cache *cache, const struct clock *clock, const weir_token *token,
                 const struct secret *refresh_token);
/* `token` was refused: it is taken out of the file, whoever wrote it there. */
void cache_forget(struct cache *cache, const weir_token *token);
/* The token of what was found, its life counted by this machine's clocks. NULL: no memory, or there
 * is none. */
weir_token *cache_token(struct cache_found *found, const struct clock *clock);
#endif
