/* SPDX-License-Identifier: MIT
 *
 * Each side writes its flag and then reads the other's, so one of them always sees both. */
#include "agent/watchdog.h"

#include <stddef.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <unistd.h>

struct ria_beat *ria_beat_new(void)
{
    struct ria_beat *beat =
        mmap(NULL, sizeof(*beat), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (beat == MAP_FAILED) {
        return NULL;
    }
    atomic_init(&beat->let_go_by, INT64_MAX);
    beat->alarm = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    return beat->alarm < 0 ? NULL : beat;
}

void ria_beat_work(struct ria_beat *beat)
{
    if (beat == NULL) {
        return;
    }
    atomic_fetch_add(&beat->count, 1);
    atomic_store(&beat->is_waiting, false);
    if (!atomic_load(&beat->is_watched)) {
        const uint64_t one = 1;
        (void)!write(beat->alarm, &one, sizeof(one));
    }
}

void ria_beat_once(struct ria_beat *beat)
{
    if (beat != NULL) {
        atomic_fetch_add(&beat->count, 1);
    }
}

void ria_beat_wait(struct ria_beat *beat)
{
    if (beat != NULL) {
        atomic_store(&beat->is_waiting, true);
    }
}

void ria_beat_promise(struct ria_beat *beat, int64_t let_go_by)
{
    if (beat != NULL) {
        atomic_store(&beat->let_go_by, let_go_by);
    }
}

bool ria_beat_is_late(const struct ria_beat *beat, int64_t ticks)
{
    enum {
        MARGIN_MS = 100
    };
    return ticks - MARGIN_MS > atomic_load(&beat->let_go_by);
}

bool ria_beat_watch(struct ria_beat *beat)
{
    if (atomic_load(&beat->is_waiting)) {
        atomic_store(&beat->is_watched, false);
        if (atomic_load(&beat->is_waiting)) {
            return false;
        }
    }
    atomic_store(&beat->is_watched, true);
    return true;
}
