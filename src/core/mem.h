/* core/mem.h - the only door to the allocator, so that tests can make the n-th allocation fail. */
#ifndef CORE_MEM_H
#define CORE_MEM_H

#include <stddef.h>

/* All return NULL when memory runs out; mem_free(NULL) is fine. */
void *mem_zalloc(size_t size);                /* zeroed                                   */
void *mem_array(size_t count, size_t size);   /* zeroed; NULL when the product overflows  */
void *mem_realloc(void *memory, size_t size); /* the old block stays valid on failure     */
char *mem_strdup(const char *text);           /* NULL gives NULL                          */
void *mem_dup(const void *data, size_t len);  /* NUL-terminated copy                      */
void mem_free(void *memory);

/* Tests: fail the n-th allocation from now on (1: the next) and none after it; 0 switches off.
 * mem_failed() tells whether that failure has happened. */
void mem_fail_at(long n);
int mem_failed(void);
/* Tests: while switched on, mem_live() is how many more blocks were allocated than freed. */
void mem_count(int on);
long mem_live(void);
#endif
