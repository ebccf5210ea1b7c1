/* SPDX-License-Identifier: MIT
 *
 * Reads the program headers: PT_INTERP names the interpreter, and the entries of PT_DYNAMIC name
 * the libraries. Only files of this program's own class, byte order and processor are read so far.
 * A header, a segment or a name that does not lie within the file is refused. */
#include "tool/elf_file.h"

#include <elf.h>
#include <link.h>
#include <stdint.h>
#include <string.h>
#include <unistd.h>

enum {
    HEADERS_MAX = 64,   /* programs have about a dozen */
    DYNAMIC_MAX = 4096, /* entries; the largest programs have some hundred */
};

/* The linker's name for the header of this program itself. */
extern const ElfW(Ehdr) __ehdr_start __attribute__((visibility("hidden")));

struct headers {
    ElfW(Phdr) at[HEADERS_MAX];
    size_t count;
};

static bool read_at(int fd, uint64_t offset, void *out, size_t size)
{
    return offset <= INT64_MAX && pread(fd, out, size, (off_t)offset) == (ssize_t)size;
}

/* A name that ends within the file and fits. The end of the file may be near. */
static bool read_name(int fd, uint64_t offset, char out[RIA_ELF_NAME_MAX])
{
    ssize_t len = offset <= INT64_MAX ? pread(fd, out, RIA_ELF_NAME_MAX, (off_t)offset) : -1;
    return len > 0 && memchr(out, '\0', (size_t)len) != NULL;
}

static bool read_headers(int fd, const ElfW(Ehdr) * file, struct headers *out)
{
    out->count = file->e_phnum;
    return file->e_phentsize == sizeof(out->at[0]) && out->count <= HEADERS_MAX &&
           read_at(fd, file->e_phoff, out->at, out->count * sizeof(out->at[0]));
}

static const ElfW(Phdr) * find(const struct headers *headers, uint32_t type)
{
    for (size_t i = 0; i < headers->count; i++) {
        if (headers->at[i].p_type == type) {
            return &headers->at[i];
        }
    }
    return NULL;
}

/* Where in the file the byte is that will be at this address in memory. */
static bool to_offset(const struct headers *headers, uint64_t address, uint64_t *out)
{
    for (size_t i = 0; i < headers->count; i++) {
        const ElfW(Phdr) *segment = &headers->at[i];
        if (segment->p_type == PT_LOAD && address >= segment->p_vaddr &&
            address - segment->p_vaddr < segment->p_filesz) {
            return !__builtin_add_overflow(segment->p_offset, address - segment->p_vaddr, out);
        }
    }
    return false;
}

/* -- the libraries --------------------------------------------------------------------------- */

struct dynamic {
    int fd;
    uint64_t offset; /* of the first entry */
    size_t count;
};

/* The address of the table of names; false: there is none. */
static bool find_names(const struct dynamic *dynamic, uint64_t *address)
{
    ElfW(Dyn) entry = {.d_tag = DT_NEEDED};
    for (size_t i = 0; i < dynamic->count && entry.d_tag != DT_NULL; i++) {
        if (!read_at(dynamic->fd, dynamic->offset + (i * sizeof(entry)), &entry, sizeof(entry))) {
            return false;
        }
        if (entry.d_tag == DT_STRTAB) {
            *address = entry.d_un.d_ptr;
            return true;
        }
    }
    return false;
}

static bool is_asan(int fd, uint64_t names, uint64_t at)
{
    char name[RIA_ELF_NAME_MAX];
    uint64_t offset;
    return !__builtin_add_overflow(names, at, &offset) && read_name(fd, offset, name) &&
           (strncmp(name, "libasan.so", strlen("libasan.so")) == 0 ||
            strncmp(name, "libclang_rt.asan", strlen("libclang_rt.asan")) == 0);
}

static bool needs_asan(const struct dynamic *dynamic, uint64_t names)
{
    ElfW(Dyn) entry = {.d_tag = DT_NEEDED};
    for (size_t i = 0; i < dynamic->count && entry.d_tag != DT_NULL; i++) {
        if (!read_at(dynamic->fd, dynamic->offset + (i * sizeof(entry)), &entry, sizeof(entry))) {
            return false;
        }
        if (entry.d_tag == DT_NEEDED && is_asan(dynamic->fd, names, entry.d_un.d_val)) {
            return true;
        }
    }
    return false;
}

static bool look_at_libraries(int fd, const struct headers *headers)
{
    const ElfW(Phdr) *segment = find(headers, PT_DYNAMIC);
    if (segment == NULL || segment->p_offset > INT64_MAX / 2) {
        return false;
    }
    size_t count = segment->p_filesz / sizeof(ElfW(Dyn));
    struct dynamic dynamic = {fd, segment->p_offset, count < DYNAMIC_MAX ? count : DYNAMIC_MAX};
    uint64_t address;
    uint64_t names;
    return find_names(&dynamic, &address) && to_offset(headers, address, &names) &&
           needs_asan(&dynamic, names);
}

/* -- the file -------------------------------------------------------------------------------- */

static bool is_foreign(const ElfW(Ehdr) * file)
{
    return file->e_ident[EI_CLASS] != __ehdr_start.e_ident[EI_CLASS] ||
           file->e_ident[EI_DATA] != __ehdr_start.e_ident[EI_DATA] ||
           file->e_machine != __ehdr_start.e_machine;
}

bool ria_elf_read(int fd, struct ria_elf *out)
{
    ElfW(Ehdr) file;
    struct headers headers;
    *out = (struct ria_elf){0};
    /* A 32-bit header is shorter, but no program ends with it. */
    if (!read_at(fd, 0, &file, sizeof(file)) || memcmp(file.e_ident, ELFMAG, SELFMAG) != 0) {
        return false;
    }
    out->is_foreign = is_foreign(&file);
    if (out->is_foreign) {
        return true;
    }
    if (!read_headers(fd, &file, &headers)) {
        return false;
    }
    const ElfW(Phdr) *interpreter = find(&headers, PT_INTERP);
    if (interpreter != NULL && !read_name(fd, interpreter->p_offset, out->interpreter)) {
        return false;
    }
    out->needs_asan = look_at_libraries(fd, &headers);
    return true;
}
