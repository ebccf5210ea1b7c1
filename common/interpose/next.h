/* SPDX-License-Identifier: MIT
 *
 * Finds libc's own functions, such as open(), for the interposed functions of the same names. They
 * are looked up when the object is loaded, because a lookup takes the dynamic linker's lock. A
 * lookup at the program's first open() could deadlock. The reason: while a thread loads a library,
 * it holds this lock and runs the library's constructor, and the constructor may wait for another
 * thread that calls open(). Each address is cached. A function that libc does not define is looked
 * up again at each call of ria_next_function().
 *
 * Thread-safe.
 */
#ifndef RIA_INTERPOSE_NEXT_H
#define RIA_INTERPOSE_NEXT_H

enum {
    /* The priority of the constructors in next.c and preload_log.c, which run before the object's
     * other constructors. */
    RIA_PRELOAD_FIRST = 101
};

struct ria_next {
    const char *name;
    void *found; /* atomic; NULL: not looked up yet, or libc does not define it */
};

/* The object that interposes the functions defines this array. It ends with a NULL name. */
extern struct ria_next ria_next_functions[];

/* Returns the first function of this name in the objects that come after this object (usually
 * libc's), or NULL if there is none. Looks the function up if ria_next_prepare() has not found it.
 */
void *ria_next_function(struct ria_next *next);

/* Looks up every function of ria_next_functions that is not cached. Runs as a constructor when the
 * object is loaded. The constructor of another library may run earlier, and may make a connection.
 * So call ria_next_prepare() before starting a thread that must not wait for the dynamic linker's
 * lock. */
void ria_next_prepare(void);

#endif
