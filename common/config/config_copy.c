/* SPDX-License-Identifier: MIT
 *
 * Caches the last few configuration files that were parsed, with reference counts, in a table under
 * a lock. The code tries a limited number of times to take the lock and never blocks on it, because
 * the host program may have forked while another thread held the lock. Does not return a copy if
 * its file has changed, or if the effective user is not the user who read the file; in these cases
 * the caller reads the file.
 */
#include "config/config_copy.h"

#include "base/file.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

enum {
    COPIES = 4,  /* usually two are used, for the user's and the system's file; more if the
                    environment changes */
    TRIES = 200, /* attempts to take the lock; together they take some microseconds */
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct ria_config_file *copies[COPIES];
static size_t next;

/* Tries to take the lock TRIES times, without blocking. */
static bool try_lock(void)
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

/* Returns the index of the copy of a path, or COPIES if there is none. The caller holds the lock.
 */
static size_t config_copy_find(const char *path)
{
    size_t i = 0;
    while (i < COPIES && (copies[i] == NULL || strcmp(copies[i]->path.data, path) != 0)) {
        i++;
    }
    return i;
}

/* Returns a new reference to the copy of a path, or NULL if there is none or the lock is taken. */
static struct ria_config_file *config_copy_acquire(const char *path)
{
    struct ria_config_file *file = NULL;
    if (!try_lock()) {
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

/* Returns whether the file is unchanged and was read by the same user. The file then still passes
 * the check of base/trust.h, because the check depends only on the user and on these facts. */
static bool is_current(
    const struct ria_world *world, uid_t user, const char *path, const struct ria_config_file *file)
{
    struct ria_file facts;
    return user == file->reader && world->read_facts != NULL &&
           world->read_facts(world->self, path, &facts) &&
           ria_file_same_facts(&facts, &file->facts);
}

struct ria_config_file *ria_config_copy_get(
    const struct ria_world *world, uid_t user, const char *path)
{
    struct ria_config_file *file = config_copy_acquire(path);
    if (file != NULL && !is_current(world, user, path, file)) {
        ria_config_file_release(file);
        return NULL;
    }
    return file;
}

void ria_config_copy_put(const struct ria_world *world, struct ria_config_file *file)
{
    file->reader = world->uid(world->self);
    if (world->read_facts == NULL || !file->facts.stamp.is_settled || !try_lock()) {
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
