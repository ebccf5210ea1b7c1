/* SPDX-License-Identifier: MIT
 *
 * Stores the reasons that --status prints, in bounded memory. The refused entries are stored as
 * complete lines of text, and the failures in an array, which is searched from its start. */
#include "agent/refusals.h"

#include <stdlib.h>
#include <string.h>

enum {
    /* Room for RIA_REFUSALS_MAX lines of LINE_MAX bytes. */
    TEXT_MAX = 256 * 1024,
    LINE_MAX = 2 * RIA_ERROR_TEXT_MAX,
    OTHER_NAME_SIZE = 64 + 1,
};

/* -- refused entries --------------------------------------------------------------------------- */

void ria_refusals_add(
    struct ria_refusals *refusals, const struct ria_refused *what, const char *message)
{
    char line[LINE_MAX];
    refusals->text.max = TEXT_MAX;
    refusals->count++;
    if (refusals->count > RIA_REFUSALS_MAX) {
        return;
    }
    (void)ria_text_format(
        line,
        sizeof(line),
        "refused      [%.64s] (%.300s:%u): %s",
        what->name,
        what->path,
        what->line,
        message);
    ria_printable(line);
    ria_buf_addf(&refusals->text, "%s\n", line);
}

void ria_refusals_add_other(struct ria_refusals *refusals, const char *name)
{
    struct ria_buf *names = &refusals->other_names;
    char shown[OTHER_NAME_SIZE];
    names->max = TEXT_MAX;
    refusals->others++;
    if (refusals->others > RIA_REFUSALS_MAX) {
        return;
    }
    (void)ria_text_format(shown, sizeof(shown), "%.64s", name);
    ria_printable(shown);
    ria_buf_addf(names, "%s%s", names->len == 0 ? "" : ", ", shown);
}

void ria_refusals_describe(const struct ria_refusals *refusals, struct ria_buf *out)
{
    if (refusals->invalid_file[0] != '\0') {
        ria_buf_addf(out, "invalid      %s\n", refusals->invalid_file);
    }
    ria_buf_add(out, refusals->text.data, refusals->text.len);
    if (refusals->count > RIA_REFUSALS_MAX) {
        ria_buf_addf(
            out,
            "refused      and %zu more; run: rds-iam lint\n",
            refusals->count - RIA_REFUSALS_MAX);
    }
    if (refusals->others > 0) {
        ria_buf_addf(
            out,
            "not served   %zu other service%s, without a passfile in this directory: ",
            refusals->others,
            refusals->others == 1 ? "" : "s");
        ria_buf_add(out, refusals->other_names.data, refusals->other_names.len);
        ria_buf_add_text(out, refusals->others > RIA_REFUSALS_MAX ? " ...\n" : "\n");
    }
}

void ria_refusals_release(struct ria_refusals *refusals)
{
    ria_buf_release(&refusals->text);
    ria_buf_release(&refusals->other_names);
    *refusals = (struct ria_refusals){0};
}

/* -- failed attempts --------------------------------------------------------------------------- */

/* Returns the element of the array in which a failure with this key is stored: the element that has
 * this key, else an unused element, else the element of the oldest failure. */
static struct ria_failure *failures_place(struct ria_failures *failures, uint64_t key)
{
    struct ria_failure *oldest = &failures->kept[0];
    for (size_t i = 0; i < failures->kept_count; i++) {
        struct ria_failure *here = &failures->kept[i];
        if (here->key == key) {
            return here;
        }
        oldest = here->when < oldest->when ? here : oldest;
    }
    return failures->kept_count == RIA_REFUSALS_MAX ? oldest
                                                    : &failures->kept[failures->kept_count++];
}

void ria_failures_add(
    struct ria_failures *failures, uint64_t key, int64_t when, const struct ria_error *err)
{
    if (failures->kept == NULL) {
        failures->kept = calloc(RIA_REFUSALS_MAX, sizeof(*failures->kept));
    }
    if (failures->kept != NULL) {
        struct ria_failure *place = failures_place(failures, key);
        *place = (struct ria_failure){.key = key, .when = when};
        (void)ria_text_copy(place->message, sizeof(place->message), err->text);
    }
}

const struct ria_failure *ria_failures_find(const struct ria_failures *failures, uint64_t key)
{
    for (size_t i = 0; i < failures->kept_count; i++) {
        if (failures->kept[i].key == key) {
            return &failures->kept[i];
        }
    }
    return NULL;
}

void ria_failures_release(struct ria_failures *failures)
{
    free(failures->kept);
    *failures = (struct ria_failures){0};
}
