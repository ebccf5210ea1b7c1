/* SPDX-License-Identifier: MIT
 *
 * Returns an interposed function to a program that looks a client library's function up with
 * dlsym(). Each copy of a library gets a number, and is identified by its mark (library.h). The
 * preload takes no reference to a copy, so the program may unload it. A new copy can get the number
 * of a copy that was unloaded. */
#include "interpose/lookup.h"

#include "base/buf.h"
#include "interpose/library.h"

#include <dlfcn.h>
#include <errno.h>
#include <string.h>
#include <sys/auxv.h>

struct interposed {
    const struct ria_interposed_list *list;
    const struct ria_interposed_function *function; /* NULL: the name is not interposed */
};

/* Does not call strncmp(). In a program with a sanitizer, strncmp() is the sanitizer's replacement.
 * It cannot be called before the sanitizer has looked up the real strncmp(), and this lookup is
 * itself a call of dlsym(). */
static bool lookup_begins_with(const char *text, const char *prefix)
{
    while (*prefix != '\0' && *text == *prefix) {
        text++;
        prefix++;
    }
    return *prefix == '\0';
}

static const struct ria_interposed_function *find_in(
    const struct ria_interposed_list *list, const char *name)
{
    size_t count = lookup_begins_with(name, list->prefix) ? list->count : 0;
    for (size_t i = 0; i < count; i++) {
        if (strcmp(list->functions[i].name, name) == 0) {
            return &list->functions[i];
        }
    }
    return NULL;
}

static struct interposed lookup_find(const char *name)
{
    struct interposed found = {0};
    for (size_t i = 0; found.function == NULL && ria_interposed_lists[i] != NULL; i++) {
        found.list = ria_interposed_lists[i];
        found.function = find_in(found.list, name);
    }
    return found;
}

/* Returns the number of the copy with this mark. A new copy gets an unused number, or the number of
 * a copy that was unloaded. Returns RIA_COPIES_MAX if no number is free. If two threads look up the
 * same new copy, both get the number that the first thread stored. */
static size_t number_of(const struct ria_interposed_list *list, const void *mark)
{
    for (size_t i = 0; i < RIA_COPIES_MAX; i++) {
        if (ria_interposed_mark(list->marks, i) == mark) {
            return i;
        }
    }
    for (size_t i = 0; i < RIA_COPIES_MAX; i++) {
        const void *old = ria_interposed_mark(list->marks, i);
        bool is_free = old == NULL || !ria_library_is_marked(old);
        if ((is_free &&
             __atomic_compare_exchange_n(
                 &list->marks[i], &old, mark, false, __ATOMIC_ACQ_REL, __ATOMIC_ACQUIRE)) ||
            old == mark) {
            return i;
        }
    }
    return RIA_COPIES_MAX;
}

/* Returns the mark of the copy that a call of the interposed function by `caller` would reach. */
static const void *mark_behind_ours(
    const struct ria_interposed_list *list, const char *name, const void *caller)
{
    RIA_AUTO(library) library = {0};
    void *found;
    bool is_found =
        ria_library_find(name, caller, &library) && ria_library_function(&library, name, &found);
    return is_found ? ria_library_mark(library.handle, list->mark, found) : NULL;
}

static void *address_of(ria_any_function *function)
{
    void *address;
    memcpy(&address, &function, sizeof(address)); /* ISO C has no cast to void * */
    return address;
}

/* Returns the interposed function for the copy that contains `found`, or `found` itself if the name
 * is not interposed or no copy is identified. */
static void *replace_found(void *handle, const char *name, void *found, const void *caller)
{
    struct interposed interposed = lookup_find(name);
    const struct ria_interposed_list *list = interposed.list;
    if (interposed.function == NULL) {
        return found;
    }
    const void *mark = found == address_of(interposed.function->linked)
                           ? mark_behind_ours(list, name, caller)
                           : ria_library_mark(handle, list->mark, found);
    size_t number = mark == NULL ? RIA_COPIES_MAX : number_of(list, mark);
    return number == RIA_COPIES_MAX ? found : address_of(interposed.function->of_copy[number]);
}

/* dlsym() for an interposed name. dlsym.S jumps here, so the return address is the program's. */
static void *look_up_interposed(void *handle, const char *name)
{
    int saved = errno;
    void *found = ria_real_dlsym(handle, name);
    if (found != NULL) {
        found = replace_found(handle, name, found, __builtin_return_address(0));
        (void)dlerror(); /* clears the error of a lookup in replace_found() */
    }
    errno = saved;
    return found;
}

ria_dlsym_function *ria_lookup_route(void *handle, const char *name)
{
    bool is_interposed =
        handle != RTLD_NEXT && lookup_find(name).function != NULL && getauxval(AT_SECURE) == 0;
    return is_interposed ? look_up_interposed : ria_real_dlsym_function();
}
