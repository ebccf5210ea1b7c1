/* SPDX-License-Identifier: MIT
 *
 * Collects findings in one text, which rds-iam lint prints after it has checked all files. Replaces
 * control characters in text that is quoted from a file. */
#include "tool/finding.h"

#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static void finding_count(struct ria_findings *findings, enum ria_finding kind)
{
    findings->errors += kind == RIA_FINDING_ERROR ? 1 : 0;
    findings->warnings += kind == RIA_FINDING_WARNING ? 1 : 0;
}

void ria_finding_add(
    struct ria_findings *findings,
    enum ria_finding kind,
    const char *path,
    unsigned line,
    const char *format,
    ...)
{
    char text[RIA_ERROR_TEXT_MAX];
    va_list args;
    va_start(args, format);
    (void)vsnprintf(text, sizeof(text), format, args);
    va_end(args);
    ria_printable(text);
    char place[PATH_MAX];
    (void)ria_text_copy(place, sizeof(place), path);
    ria_printable(place);
    ria_buf_addf(&findings->text, "%s:", place);
    if (line != 0) {
        ria_buf_addf(&findings->text, "%u:", line);
    }
    const char *word = kind == RIA_FINDING_ERROR ? "error" : "warning";
    ria_buf_addf(&findings->text, " %s: %s\n", word, text);
    finding_count(findings, kind);
}

void ria_finding_add_error(struct ria_findings *findings, const struct ria_error *err)
{
    const char *place = strstr(err->text, ": ");
    ria_buf_addf(
        &findings->text,
        "%.*s: error: %s\n",
        place == NULL ? 0 : (int)(place - err->text),
        err->text,
        place == NULL ? err->text : place + 2);
    finding_count(findings, RIA_FINDING_ERROR);
}
