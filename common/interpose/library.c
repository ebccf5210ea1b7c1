/* SPDX-License-Identifier: MIT
 *
 * Finds the object that defines the real function behind an interposed one. Searches first the
 * object that made the call and its dependencies, then the objects after this preload in load order
 * (RTLD_NEXT), and last every loaded object. Never returns the program itself, because a lookup
 * through the program's handle searches every object, and finds the interposed function first. */
#include "interpose/library.h"

#include "interpose/real_dlsym.h"

#include <dlfcn.h>
#include <link.h>
#include <string.h>

/* Returns a handle of the object that contains the address; the caller closes it. Returns NULL for
 * the program itself. */
static void *object_at(const void *address)
{
    Dl_info info;
    struct link_map *map = NULL;
    if (dladdr1(address, &info, (void **)&map, RTLD_DL_LINKMAP) == 0 || map == NULL ||
        map->l_name == NULL || *map->l_name == '\0') {
        return NULL;
    }
    return dlopen(map->l_name, RTLD_NOLOAD | RTLD_LAZY);
}

/* Looks the name up in the object that contains `caller`, and in the objects that it is linked
 * with. */
static void *find_through(const void *caller, const char *name)
{
    void *object = object_at(caller);
    if (object == NULL) {
        return NULL;
    }
    void *found = ria_real_dlsym(object, name);
    (void)dlclose(object);
    return found;
}

/* Looks the name up in every loaded object except the program. Needed if the caller ended with a
 * jump (a tail call), because in this case the return address is in another object. */
static void *find_anywhere(const char *name)
{
    static const char here = 0;
    Dl_info info;
    struct link_map *map = NULL;
    if (dladdr1(&here, &info, (void **)&map, RTLD_DL_LINKMAP) == 0) {
        return NULL;
    }
    void *found = NULL;
    for (map = map == NULL ? NULL : map->l_next; map != NULL && found == NULL; map = map->l_next) {
        void *object = dlopen(map->l_name, RTLD_NOLOAD | RTLD_LAZY);
        if (object != NULL) {
            found = ria_real_dlsym(object, name);
            (void)dlclose(object);
        }
    }
    return found;
}

bool ria_library_find(const char *name, const void *caller, struct ria_library *out)
{
    void *found = find_through(caller, name);
    if (found == NULL) {
        found = ria_real_dlsym(RTLD_NEXT, name);
    }
    if (found == NULL) {
        found = find_anywhere(name);
    }
    out->handle = found == NULL ? NULL : object_at(found);
    return out->handle != NULL;
}

/* Returns true if the object is in the base namespace. For an object in a namespace of dlmopen(),
 * dlopen() in object_at() would find nothing, or another object of the same name. */
static bool is_in_our_namespace(struct link_map *map)
{
    Lmid_t namespace = LM_ID_NEWLM;
    return dlinfo(map, RTLD_DI_LMID, &namespace) == 0 && namespace == LM_ID_BASE;
}

/* Does not call dlopen(). If a program forks while another thread is in dlopen(), the child can
 * still look functions up, but a dlopen() would deadlock. */
const void *ria_library_mark(void *handle, const char *name, const void *function)
{
    Dl_info here;
    Dl_info there;
    struct link_map *map = NULL;
    const void *mark = ria_real_dlsym(handle, name);
    bool is_same = mark != NULL && dladdr1(mark, &there, (void **)&map, RTLD_DL_LINKMAP) != 0 &&
                   dladdr(function, &here) != 0 && here.dli_fbase == there.dli_fbase;
    return is_same && map != NULL && *map->l_name != '\0' && is_in_our_namespace(map) ? mark : NULL;
}

bool ria_library_is_marked(const void *mark)
{
    Dl_info info;
    return dladdr(mark, &info) != 0 && info.dli_saddr == mark;
}

bool ria_library_function(const struct ria_library *library, const char *name, void *function)
{
    void *found = ria_real_dlsym(library->handle, name);
    memcpy(function, &found, sizeof(found)); /* ISO C cannot cast object to function pointers */
    return found != NULL;
}

static struct link_map *map_at(const void *address)
{
    Dl_info info;
    struct link_map *map = NULL;
    return dladdr1(address, &info, (void **)&map, RTLD_DL_LINKMAP) == 0 ? NULL : map;
}

bool ria_library_contains(const struct ria_library *library, const void *address)
{
    struct link_map *own = NULL;
    return dlinfo(library->handle, RTLD_DI_LINKMAP, &own) == 0 && own != NULL &&
           own == map_at(address);
}

bool ria_library_is_ours(const void *address)
{
    static const char here = 0;
    struct link_map *own = map_at(&here);
    return own != NULL && own == map_at(address);
}

void ria_library_release(struct ria_library *library)
{
    if (library->handle != NULL) {
        (void)dlclose(library->handle);
        library->handle = NULL;
    }
}
