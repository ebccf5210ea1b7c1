/* SPDX-License-Identifier: MIT
 *
 * Finds the object that defines the real function behind an interposed function. Searches first the
 * object that made the call and its dependencies, then the objects after this preload in load order
 * (RTLD_NEXT), and last every object that was loaded after this preload. Never returns the program
 * itself, because a lookup through the program's handle searches every object, and finds the
 * interposed function first. Never returns this preload. */
#include "interpose/library.h"

#include "interpose/real_dlsym.h"

#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <link.h>
#include <stddef.h>
#include <string.h>
#include <unistd.h>

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

/* -- every loaded object --------------------------------------------------------------------- */

static struct link_map *map_at(const void *address)
{
    Dl_info info;
    struct link_map *map = NULL;
    return dladdr1(address, &info, (void **)&map, RTLD_DL_LINKMAP) == 0 ? NULL : map;
}

/* Returns true if an object was loaded after this one. The objects before this one are the program
 * and other preloaded objects, which are never unloaded. */
static bool is_later(const struct link_map *object)
{
    static const char here = 0;
    const struct link_map *before = map_at(&here);
    while (before != NULL && before != object) {
        before = before->l_prev;
    }
    return object != NULL && before == NULL;
}

/* Looks the name up in the object of that file, if the file is loaded, and in its dependencies. */
static void *find_in_object(const char *file, const char *name)
{
    void *object = *file == '\0' ? NULL : dlopen(file, RTLD_NOLOAD | RTLD_LAZY);
    void *found = object == NULL ? NULL : ria_real_dlsym(object, name);
    found = found != NULL && is_later(map_at(found)) ? found : NULL;
    if (object != NULL) {
        (void)dlclose(object);
    }
    return found;
}

enum {
    NAMES_BYTES = PATH_MAX, /* bytes for the names that one pass over the loaded objects copies */
    PASSES_MAX = 1000,
};

/* The file names of some of the loaded objects, in load order. They are copies, because another
 * thread may unload an object at any time. */
struct object_names {
    size_t skip;                 /* how many of the first objects are not copied */
    size_t count;                /* how many names follow in `text` */
    size_t used;                 /* bytes of `text` */
    unsigned long long unloaded; /* how many objects the process had unloaded */
    char text[NAMES_BYTES];      /* each name with its zero byte */
};

/* For dl_iterate_phdr(), which holds a lock of the dynamic linker. Ends the pass if the next name
 * does not fit. A name that can never fit is empty in `text`. */
static int copy_object_name(struct dl_phdr_info *object, size_t size, void *argument)
{
    struct object_names *names = argument;
    (void)size;
    names->unloaded = object->dlpi_subs;
    if (names->skip > 0) {
        names->skip--;
        return 0;
    }
    size_t len = strlen(object->dlpi_name) + 1;
    const char *name = len > NAMES_BYTES ? "" : object->dlpi_name;
    len = len > NAMES_BYTES ? 1 : len;
    if (len > NAMES_BYTES - names->used) {
        return 1;
    }
    memcpy(names->text + names->used, name, len);
    names->used += len;
    names->count++;
    return 0;
}

static void *find_in_objects(const struct object_names *names, const char *name)
{
    void *found = NULL;
    const char *file = names->text;
    for (size_t i = 0; i < names->count && found == NULL; i++) {
        found = find_in_object(file, name);
        file += strlen(file) + 1;
    }
    return found;
}

/* Searches in load order. If objects are unloaded between two passes, the positions change, so the
 * search starts again. */
static void *find_in_load_order(const char *name)
{
    struct object_names names = {0};
    void *found = NULL;
    size_t next = 0;
    for (int pass = 0; pass < PASSES_MAX && found == NULL; pass++) {
        unsigned long long unloaded = names.unloaded;
        names = (struct object_names){.skip = next};
        (void)dl_iterate_phdr(copy_object_name, &names);
        bool has_moved = next > 0 && names.unloaded != unloaded;
        if (!has_moved && names.count == 0) {
            break;
        }
        found = has_moved ? NULL : find_in_objects(&names, name);
        next = has_moved ? 0 : next + names.count;
    }
    return found;
}

/* -- every mapped file, in a child of fork() --------------------------------------------------- */

static pid_t loaded_by; /* written once, before main() */

__attribute__((constructor)) static void record_process(void)
{
    loaded_by = getpid();
}

/* Returns the path in a line of /proc/self/maps, "START-END RIGHTS OFFSET DEVICE INODE PATH", or ""
 * if the mapping contains no code of a file. Changes the line. */
static const char *mapped_path(char *line)
{
    static const char deleted[] = " (deleted)"; /* the file was replaced after it was loaded */
    enum {
        EXECUTABLE = 3,
        DELETED_LEN = sizeof(deleted) - 1
    };
    const char *rights = strchr(line, ' ');
    char *path = strchr(line, '/');
    if (path == NULL || rights == NULL || strncmp(rights, " r-x", EXECUTABLE + 1) != 0) {
        return "";
    }
    size_t len = strlen(path);
    if (len > DELETED_LEN && strcmp(path + len - DELETED_LEN, deleted) == 0) {
        path[len - DELETED_LEN] = '\0';
    }
    return path;
}

/* Searches the complete lines of `text`, and moves the rest to its start. A line that is longer
 * than the buffer is dropped. Returns the function, or NULL. */
static void *find_in_lines(char *text, size_t *used, size_t size, const char *name)
{
    void *found = NULL;
    char *line = text;
    char *end = NULL;
    while (found == NULL && (end = memchr(line, '\n', *used - (size_t)(line - text))) != NULL) {
        *end = '\0';
        found = find_in_object(mapped_path(line), name);
        line = end + 1;
    }
    *used -= (size_t)(line - text);
    memmove(text, line, *used);
    *used = *used == size ? 0 : *used;
    return found;
}

/* Searches the files that are mapped as code, in the order of their addresses. */
static void *find_in_mapped_files(const char *name)
{
    char text[NAMES_BYTES + 128]; /* a path, and what is in front of it */
    void *found = NULL;
    size_t used = 0;
    ssize_t count = 1;
    int maps = open("/proc/self/maps", O_RDONLY | O_CLOEXEC);
    while (maps >= 0 && found == NULL && count > 0) {
        count = read(maps, text + used, sizeof(text) - used);
        used += count > 0 ? (size_t)count : 0;
        found = find_in_lines(text, &used, sizeof(text), name);
    }
    if (maps >= 0) {
        (void)close(maps);
    }
    return found;
}

/* Looks the name up in every object that was loaded after this one. Needed if the caller ended with
 * a jump (a tail call), because in this case the return address is in another object. A child of
 * fork() must not call dl_iterate_phdr() (base/object.h). */
static void *find_anywhere(const char *name)
{
    int saved = errno;
    void *found = getpid() == loaded_by ? find_in_load_order(name) : find_in_mapped_files(name);
    errno = saved;
    return found;
}

/* -- the copy of a call ---------------------------------------------------------------------- */

bool ria_library_find(const char *name, const void *caller, struct ria_library *out)
{
    void *found = find_through(caller, name);
    if (found == NULL) {
        found = ria_real_dlsym(RTLD_NEXT, name);
    }
    if (found == NULL) {
        found = find_anywhere(name);
    }
    /* Never this object, whose interposed function would call itself without end. */
    out->handle = found == NULL || ria_library_is_ours(found) ? NULL : object_at(found);
    return out->handle != NULL;
}

/* Returns true if the object is in the base namespace. For an object in another namespace
 * (dlmopen()), the call of dlopen() in object_at() would find nothing, or another object of the
 * same name. */
static bool is_in_our_namespace(struct link_map *map)
{
    Lmid_t namespace = LM_ID_NEWLM;
    return dlinfo(map, RTLD_DI_LMID, &namespace) == 0 && namespace == LM_ID_BASE;
}

/* Does not call dlopen(). If a program forks while another thread is in dlopen(), the child can
 * still look functions up, but a call of dlopen() in the child would deadlock. */
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
    /* ISO C has no cast from an object pointer to a function pointer. */
    memcpy(function, &found, sizeof(found));
    return found != NULL;
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
