/* SPDX-License-Identifier: MIT
 *
 * The output of rds-iam check: a checklist that appears while the checks run. Each item has a mark,
 * a name, a text that contains the evidence, and, if something is wrong, a remedy.
 *
 * The text is wrapped at 80 columns. Marks are coloured if three conditions hold: stdout is a
 * terminal, NO_COLOR is not set, and TERM is set to another value than "dumb". If the report is
 * collected for JSON, nothing is printed.
 */
#ifndef RIA_CHECK_REPORT_H
#define RIA_CHECK_REPORT_H

#include "rds_iam.h"
#include "tool/json_writer.h"

enum ria_mark {
    RIA_MARK_OK,
    RIA_MARK_NOTE,    /* a fact without a judgement */
    RIA_MARK_WARNING, /* works now, but may fail */
    RIA_MARK_FAULT,
    RIA_MARK_SKIPPED, /* was not checked; the text contains the reason */
    RIA_MARKS,
};

enum {
    RIA_REPORT_TEXT_MAX = 2 * RIA_ERROR_TEXT_MAX
};

/* The phases of a login, in their order, and the login as a whole. */
enum ria_phase {
    RIA_PHASE_NAME,
    RIA_PHASE_TCP,
    RIA_PHASE_TLS,
    RIA_PHASE_CREDENTIALS,
    RIA_PHASE_SIGNATURE,
    RIA_PHASE_VERDICT,
    RIA_PHASE_LOGIN,
    RIA_PHASES,
};

#define RIA_TIME_UNKNOWN (-1)

struct ria_times {
    int64_t us[RIA_PHASES]; /* microseconds, or RIA_TIME_UNKNOWN */
};

struct ria_report {
    struct ria_json_writer *json; /* borrowed; NULL: prints text */
    bool is_coloured;
    const char *section; /* the current section; static */
    bool is_section_shown;
    bool has_items;
    bool has_causes;
};

/* Begins a report. If `json` is not NULL, the report is an object that is appended to `json`. If
 * `json` is NULL, the report is text on stdout. */
void ria_report_begin(
    struct ria_report *report, struct ria_json_writer *json, const struct ria_world *world);

/* Begins a section. Its title is printed before its first item. `title` is static. */
void ria_report_section(struct ria_report *report, const char *title);

/* Adds an item. `format` and the arguments after it make the text. `remedy` may be NULL. Replaces
 * control characters in the text and in the remedy. */
void ria_report_add(
    struct ria_report *report,
    enum ria_mark mark,
    const char *name,
    const char *remedy,
    const char *format,
    ...) __attribute__((format(printf, 5, 6)));

/* Adds an item from an error, whose text contains its own remedy. */
void ria_report_add_error(
    struct ria_report *report, enum ria_mark mark, const char *name, const struct ria_error *err);

/* Begins the explanation of a refused login, after the last item. `title` is its heading. */
void ria_report_begin_causes(struct ria_report *report, const char *title);

/* Adds a possible cause of the refusal, and its remedy. The remedy is a command or a text: it shows
 * how to test whether this is the true cause, or how to remove the cause. `id` names the cause in
 * JSON. */
void ria_report_add_cause(
    struct ria_report *report, const char *id, const char *text, const char *remedy);

/* Ends the report. A text report ends with `text`, which is a sentence. A JSON report ends with the
 * times, `target`, `result`, `text` and `status`. `target` is the name of the login that was
 * checked, or NULL; `result` is a word for the result. Returns `status`, or RIA_EXIT_FAILED if a
 * text report cannot be written to stdout. */
int ria_report_end(
    struct ria_report *report,
    const char *target,
    const struct ria_times *times,
    const char *result,
    const char *text,
    int status);

#endif
