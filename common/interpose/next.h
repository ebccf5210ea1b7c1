/* SPDX-License-Identifier: MIT
 *
 * libc's functions behind interposed ones of the same name. Each is looked up once, when the object
 * is loaded. A lookup takes the dynamic linker's lock: done at a program's first open() instead, it
 * would wait for ever in a thread for which the constructor of a library waits that is being
 * loaded.
 *
 * From any thread.
 */
#ifndef RIA_INTERPOSE_NEXT_H
#define RIA_INTERPOSE_NEXT_H

struct ria_next {
    const char *name;
    void *found; /* atomic; NULL: not looked up yet, or there is none */
};

/* Defined by the object that interposes them; ends with a name that is NULL. */
extern struct ria_next ria_next_functions[];

/* The next function of that name, looked up if that was not done; NULL if there is none. */
void *ria_next_function(struct ria_next *next);

/* Looks all of them up. Runs when the object is loaded; constructors that run before that look up
 * what they use themselves. Called again before a thread begins that must not wait for the dynamic
 * linker's lock. */
void ria_next_prepare(void);

#endif
