/* SPDX-License-Identifier: MIT
 *
 * Keeps the last few configuration files that were read, with a count of their users, in a table
 * under a lock. The lock is tried and never waited for, because the host may have forked while
 * another thread held it. A copy whose file has changed, or may now be written by others, is not
 * given out; then the caller reads the file. */
#include "config/config_copy.h"

#include "base/trust.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

enum {
    COPIES = 4,  /* a process reads two files, unless it changes its environment */
    TRIES = 200, /* to take the lock: some microseconds */
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct ria_config_file *copies[COPIES];
static size_t next;

static bool take_lock(void)
{
    int error = pthread_mutex_trylock(&lock);
    for (unsigned i = 0; error != 0 && i < TRIES; i++) {
        error = pthread_mutex_trylock(&lock);
    }
    return error == 0;
}

void ria_config_file_release(struct ria_config_file *file)
{
    if (file != NULL && __atomic_sub_fetch(&file->users, 1, __ATOMIC_ACQ_REL) == 0) {
        ria_ini_release(&file->ini);
        ria_section_table_release(&file->sections);
        ria_buf_release(&file->path);
        free(file);
    }
}

/* With the lock held. Returns COPIES if there is none. */
static size_t config_copy_find(const char *path)
{
    size_t i = 0;
    while (i < COPIES && (copies[i] == NULL || strcmp(copies[i]->path.data, path) != 0)) {
        i++;
    }
    return i;
}

static struct ria_config_file *share(const char *path)
{
    struct ria_config_file *file = NULL;
    if (!take_lock()) {
        return NULL;
    }
    size_t place = config_copy_find(path);
    if (place < COPIES) {
        file = copies[place];
        (void)__atomic_add_fetch(&file->users, 1, __ATOMIC_RELAXED);
    }
    (void)pthread_mutex_unlock(&lock);
    return file;
}

static bool same_state(const struct ria_file *a, const struct ria_file *b)
{
    const struct ria_stamp *x = &a->stamp;
    const struct ria_stamp *y = &b->stamp;
    return x->device == y->device && x->inode == y->inode && x->size == y->size &&
           x->modified == y->modified && x->changed == y->changed && x->version == y->version &&
           a->owner == b->owner && a->group == b->group && a->mode == b->mode;
}

static bool is_current(
    const struct ria_world *world, const char *path, const struct ria_config_file *file)
{
    struct ria_file facts;
    struct ria_error ignored;
    const struct ria_trusted what = {path, ""};
    return world->uid(world->self) == file->reader && world->look != NULL &&
           world->look(world->self, path, &facts) && same_state(&facts, &file->facts) &&
           ria_trust_check(world, &facts, &what, &ignored);
}

struct ria_config_file *ria_config_copy_get(const struct ria_world *world, const char *path)
{
    struct ria_config_file *file = share(path);
    if (file != NULL && !is_current(world, path, file)) {
        ria_config_file_release(file);
        return NULL;
    }
    return file;
}

void ria_config_copy_put(const struct ria_world *world, struct ria_config_file *file)
{
    file->reader = world->uid(world->self);
    if (world->look == NULL || !file->facts.stamp.is_settled || !take_lock()) {
        return;
    }
    size_t place = config_copy_find(file->path.data);
    if (place == COPIES) {
        place = next;
        next = (next + 1) % COPIES;
    }
    struct ria_config_file *before = copies[place];
    (void)__atomic_add_fetch(&file->users, 1, __ATOMIC_RELAXED);
    copies[place] = file;
    (void)pthread_mutex_unlock(&lock);
    ria_config_file_release(before);
}
