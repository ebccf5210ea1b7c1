/* SPDX-License-Identifier: MIT
 *
 * A data race between two threads. ThreadSanitizer must report this race. The report shows that the
 * build options of this folder enable ThreadSanitizer. */
#include <pthread.h>
#include <stdio.h>

static int number;

static void *change(void *argument)
{
    (void)argument;
    number++;
    return NULL;
}

int main(void)
{
    pthread_t first;
    pthread_t second;
    if (pthread_create(&first, NULL, change, NULL) == 0 &&
        pthread_create(&second, NULL, change, NULL) == 0) {
        (void)pthread_join(first, NULL);
        (void)pthread_join(second, NULL);
    }
    (void)printf("%d\n", number);
    return 0;
}
