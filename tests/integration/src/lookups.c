/* SPDX-License-Identifier: MIT
 *
 * An object that looks up functions while it is loaded: with RTLD_NEXT and RTLD_DEFAULT, whose
 * results depend on the calling object, and with a handle of libm. It prints each result and the
 * text of dlerror() to stdout. It is compiled under several names (WHO). All copies export
 * everywhere(); each also exports its own only_WHO() and PQexec(). */
#include <dlfcn.h>
#include <stdio.h>
#include <string.h>

#define JOIN(a, b) a##b
#define ONLY(who) JOIN(only_, who)
#define TEXT(name) #name
#define NAME(name) TEXT(name)
#define EXPORTED __attribute__((visibility("default")))

void everywhere(void);
void ONLY(WHO)(void);
void PQexec(void);

EXPORTED void everywhere(void)
{
}

EXPORTED void ONLY(WHO)(void)
{
}

EXPORTED void PQexec(void)
{
}

static void say_error(const char *before)
{
    const char *text = dlerror();
    (void)printf("%s%s", before, text == NULL ? "no error" : text);
}

static void print_result(const char *where, void *handle, const char *name)
{
    Dl_info info = {0};
    void *found = dlsym(handle, name);
    const char *file = found != NULL && dladdr(found, &info) != 0 ? info.dli_fname : "nothing";
    const char *slash = strrchr(file, '/');
    (void)printf("%s: %s %s: ", NAME(WHO), where, name);
    (void)printf("%s", slash == NULL ? file : slash + 1);
    say_error(", ");
    say_error(", then ");
    (void)printf("\n");
}

__attribute__((constructor)) static void look_up(void)
{
    static const char *const names[] = {
        "everywhere",
        "only_first",
        "only_second",
        "only_module",
        "PQexec",
        "PQ",
        "P",
        "",
        "malloc",
        "absent"};
    void *library = dlopen("libm.so.6", RTLD_NOW);
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        print_result("next", RTLD_NEXT, names[i]);
        print_result("default", RTLD_DEFAULT, names[i]);
        print_result("libm", library, names[i]);
    }
    print_result("libm", library, "PQconnectdb"); /* libm has no such function: an error is set */
    (void)dlsym(library, "absent");
    print_result("after an error that was not read, libm", library, "cos");
    (void)dlclose(library);
}
