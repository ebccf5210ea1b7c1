/* SPDX-License-Identifier: MIT
 *
 * A program without libpq. It loads a module that has its own libpq, as an interpreter does:
 *
 *   ways_in_module MODULE local|deepbind ARGUMENT...
 *
 * The ARGUMENTs are those of ways.c. "deepbind" loads the module with RTLD_DEEPBIND. */
#include <dlfcn.h>
#include <stdio.h>
#include <string.h>

int main(int argc, char **argv)
{
    int deep = argc > 2 && strcmp(argv[2], "deepbind") == 0 ? RTLD_DEEPBIND : 0;
    void *module = argc < 4 ? NULL : dlopen(argv[1], RTLD_NOW | RTLD_LOCAL | deep);
    int (*ways)(int, char **) = NULL;
    void *found = module == NULL ? NULL : dlsym(module, "ways");
    memcpy(&ways, &found, sizeof(found));
    if (ways == NULL) {
        fprintf(stderr, "%s\n", argc < 4 ? "arguments are missing" : dlerror());
        return 2;
    }
    return ways(argc - 2, argv + 2);
}
