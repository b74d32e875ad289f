/* rpc/list.h - intrusive doubly linked lists. A link is in one list at most; a zeroed or removed
 * link is in none. */
#ifndef RPC_LIST_H
#define RPC_LIST_H

#include <stdbool.h>
#include <stddef.h>

struct link {
    struct link *prev, *next;
};

/* The struct that `link` is the member `member` of. */
#define LIST_ENTRY(link, type, member) ((type *)(void *)((char *)(link)-offsetof(type, member)))

static inline void list_init(struct link *list)
{
    list->prev = list->next = list;
}

static inline bool list_empty(const struct link *list)
{
    return list->next == list;
}

static inline bool list_linked(const struct link *link)
{
    return link->next != NULL;
}

static inline size_t list_count(const struct link *list)
{
    size_t count = 0;
    for (const struct link *at = list->next; at != list; at = at->next)
        count++;
    return count;
}

static inline void list_remove(struct link *link)
{
    if (!link->next)
        return;
    link->prev->next = link->next;
    link->next->prev = link->prev;
    link->prev = link->next = NULL;
}

static inline void list_append(struct link *list, struct link *link)
{
    link->prev = list->prev;
    link->next = list;
    list->prev->next = link;
    list->prev = link;
}

static inline void list_prepend(struct link *list, struct link *link)
{
    list_append(list->next, link);
}
#endif
