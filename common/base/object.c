/* SPDX-License-Identifier: MIT
 *
 * Finds the loaded object that contains an address. A process that loaded this code itself asks
 * dl_iterate_phdr(). A child of fork() asks dladdr(), which returns the start of the object; the
 * ELF header there leads to the program headers. The child refuses an object whose memory does not
 * begin with its ELF header. */
#include "base/object.h"

#include <dlfcn.h>
#include <string.h>
#include <sys/auxv.h>
#include <unistd.h>

static pid_t loaded_by; /* written once, while this object is loaded */

__attribute__((constructor)) static void record_loading_process(void)
{
    loaded_by = getpid();
}

static const char *program_path(void)
{
    return (const char *)getauxval(AT_EXECFN); /* NOLINT(performance-no-int-to-ptr) */
}

/* -- a process that has loaded this object ---------------------------------------------------- */

struct search {
    uintptr_t address;
    bool is_found;
    struct ria_object object;
};

/* Called by dl_iterate_phdr(): stops at the object that contains the address. */
static int match_object(struct dl_phdr_info *loaded, size_t size, void *self)
{
    (void)size;
    struct search *search = self;
    search->object = (struct ria_object){
        .name = *loaded->dlpi_name == '\0' ? program_path() : loaded->dlpi_name,
        .bias = (uintptr_t)loaded->dlpi_addr,
        .segments = loaded->dlpi_phdr,
        .count = loaded->dlpi_phnum,
    };
    search->is_found = ria_object_contains(&search->object, search->address);
    return search->is_found ? 1 : 0;
}

static bool object_in_list(uintptr_t address, struct ria_object *out)
{
    struct search search = {.address = address};
    (void)dl_iterate_phdr(match_object, &search);
    *out = search.object;
    return search.is_found;
}

/* -- a child of fork() ------------------------------------------------------------------------ */

/* Returns whether a segment is the one that contains the ELF header. */
static bool has_header(const ElfW(Phdr) * segment)
{
    return segment->p_type == PT_LOAD && segment->p_offset == 0;
}

/* For the program itself, dladdr() returns the first argument, which may be any text. */
static const char *name_of(const Dl_info *info, const ElfW(Phdr) * segments)
{
    bool is_program = (uintptr_t)segments == getauxval(AT_PHDR);
    return is_program ? program_path() : info->dli_fname;
}

static bool object_by_header(uintptr_t address, struct ria_object *out)
{
    Dl_info info;
    /* NOLINTNEXTLINE(performance-no-int-to-ptr) */
    if (dladdr((const void *)address, &info) == 0 || info.dli_fbase == NULL ||
        memcmp(info.dli_fbase, ELFMAG, SELFMAG) != 0) {
        return false;
    }
    const char *start = info.dli_fbase;
    const ElfW(Ehdr) *header = info.dli_fbase;
    const void *segments = start + header->e_phoff;
    *out = (struct ria_object){.segments = segments, .count = header->e_phnum};
    out->name = name_of(&info, out->segments);
    for (size_t i = 0; i < out->count; i++) {
        if (has_header(&out->segments[i])) {
            out->bias = (uintptr_t)start - out->segments[i].p_vaddr;
            return ria_object_contains(out, address);
        }
    }
    return false;
}

bool ria_object_at(uintptr_t address, struct ria_object *out)
{
    return getpid() == loaded_by ? object_in_list(address, out) : object_by_header(address, out);
}

bool ria_object_contains(const struct ria_object *object, uintptr_t address)
{
    bool is_found = false;
    for (size_t i = 0; !is_found && i < object->count; i++) {
        const ElfW(Phdr) *segment = &object->segments[i];
        uintptr_t start = object->bias + segment->p_vaddr;
        is_found =
            segment->p_type == PT_LOAD && address >= start && address - start < segment->p_memsz;
    }
    return is_found;
}
