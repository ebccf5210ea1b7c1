/* SPDX-License-Identifier: MIT
 *
 * Converts between calendar dates and day numbers, and formats and parses timestamps. In the
 * calculations a year starts in March, so that the leap day is the last day of the year. The number
 * of days before month m is then (153 * m + 2) / 5, where m is 0 for March. Rejects a date that
 * does not exist, and a text that mixes the basic and the extended form.
 */
#include "base/timestamp.h"

#include "base/ascii.h"

#include <stddef.h>
#include <string.h>

enum {
    DAY = 86400,
    ERA_YEARS = 400,
    ERA_DAYS = 146097,       /* days in 400 years */
    EPOCH_FROM_ERA = 719468, /* days from 0000-03-01 to 1970-01-01 */
    YEAR_MAX = 9999,
};

struct civil {
    int64_t year;
    int month;
    int day;
};

/* Returns the day number of a date; day 0 is 1970-01-01. */
static int64_t days_from_civil(struct civil date)
{
    int64_t year = date.month <= 2 ? date.year - 1 : date.year;
    int64_t era = year / ERA_YEARS;
    int64_t year_of_era = year - (era * ERA_YEARS);
    int month_from_march = (date.month + 9) % 12;
    int64_t day_of_year = (((153 * month_from_march) + 2) / 5) + date.day - 1;
    int64_t day_of_era =
        (year_of_era * 365) + (year_of_era / 4) - (year_of_era / 100) + day_of_year;
    return (era * ERA_DAYS) + day_of_era - EPOCH_FROM_ERA;
}

/* Returns the date of a day number. */
static struct civil civil_from_days(int64_t days)
{
    int64_t since_era = days + EPOCH_FROM_ERA;
    int64_t era = since_era / ERA_DAYS;
    int64_t day_of_era = since_era - (era * ERA_DAYS);
    int64_t year_of_era =
        (day_of_era - (day_of_era / 1460) + (day_of_era / 36524) - (day_of_era / 146096)) / 365;
    int64_t day_of_year =
        day_of_era - ((365 * year_of_era) + (year_of_era / 4) - (year_of_era / 100));
    int64_t month_from_march = ((5 * day_of_year) + 2) / 153;
    struct civil date = {
        .year = year_of_era + (era * ERA_YEARS) + (month_from_march >= 10 ? 1 : 0),
        .month = (int)(((month_from_march + 2) % 12) + 1),
        .day = (int)(day_of_year - (((153 * month_from_march) + 2) / 5) + 1),
    };
    return date;
}

/* Writes exactly `digits` digits. Returns a pointer to the byte after the last digit. */
static char *put_number(char *at, int value, int digits)
{
    for (int i = digits - 1; i >= 0; i--) {
        at[i] = (char)('0' + (value % 10));
        value /= 10;
    }
    return at + digits;
}

bool ria_timestamp_format(int64_t when, char out[RIA_TIMESTAMP_SIZE])
{
    if (when < 0) {
        return false;
    }
    struct civil date = civil_from_days(when / DAY);
    if (date.year > YEAR_MAX) {
        return false;
    }
    int second = (int)(when % DAY);
    char *at = put_number(out, (int)date.year, 4);
    at = put_number(at, date.month, 2);
    at = put_number(at, date.day, 2);
    *at++ = 'T';
    at = put_number(at, second / 3600, 2);
    at = put_number(at, (second / 60) % 60, 2);
    at = put_number(at, second % 60, 2);
    *at++ = 'Z';
    *at = '\0';
    return true;
}

bool ria_timestamp_format_extended(int64_t when, char out[RIA_TIMESTAMP_EXTENDED_SIZE])
{
    char basic[RIA_TIMESTAMP_SIZE];
    if (!ria_timestamp_format(when, basic)) {
        return false;
    }
    static const char form[RIA_TIMESTAMP_EXTENDED_SIZE] = "YYYY-MM-DDThh:mm:ssZ";
    const char *at = basic;
    for (size_t i = 0; i < sizeof(form); i++) {
        out[i] = form[i];
        if (form[i] != '-' && form[i] != ':') {
            out[i] = *at++;
        }
    }
    return true;
}

static int days_in_month(struct civil date)
{
    static const int lengths[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    bool leap = date.year % 4 == 0 && (date.year % 100 != 0 || date.year % ERA_YEARS == 0);
    return lengths[date.month - 1] + (date.month == 2 && leap ? 1 : 0);
}

/* Parses exactly `digits` digits. Returns false if there are fewer. */
static bool timestamp_parse_number(const char **at, int digits, int *out)
{
    int value = 0;
    for (int i = 0; i < digits; i++, (*at)++) {
        if (!ria_ascii_is_digit(**at)) {
            return false;
        }
        value = (value * 10) + (**at - '0');
    }
    *out = value;
    return true;
}

/* Parses one character out of `allowed`. */
static bool timestamp_parse_char(const char **at, const char *allowed)
{
    if (**at == '\0' || strchr(allowed, **at) == NULL) {
        return false;
    }
    (*at)++;
    return true;
}

/* Parses the time zone at the end of a timestamp (Z, UTC, +hh:mm or -hhmm) into seconds east of
 * UTC. */
static bool timestamp_parse_zone(const char **at, int *out)
{
    if (strncmp(*at, "UTC", 3) == 0) {
        *at += 3;
        *out = 0;
        return true;
    }
    if (timestamp_parse_char(at, "Zz")) {
        *out = 0;
        return true;
    }
    int sign = **at == '-' ? -1 : 1;
    int hours = 0;
    int minutes = 0;
    if (!timestamp_parse_char(at, "+-") || !timestamp_parse_number(at, 2, &hours)) {
        return false;
    }
    (void)timestamp_parse_char(at, ":");
    if (!timestamp_parse_number(at, 2, &minutes) || hours > 23 || minutes > 59) {
        return false;
    }
    *out = sign * ((hours * 3600) + (minutes * 60));
    return true;
}

/* Parses the separator between two numbers: `separator` in the extended form, none in the basic
 * form. */
static bool timestamp_parse_separator(const char **at, const char *separator, bool is_basic)
{
    return is_basic || timestamp_parse_char(at, separator);
}

/* Parses the date. Its form, basic or extended, is the form of the whole timestamp. */
static bool timestamp_parse_date(const char **at, struct civil *out, bool *is_basic)
{
    int year = 0;
    struct civil date = {0};
    if (!timestamp_parse_number(at, 4, &year)) {
        return false;
    }
    *is_basic = ria_ascii_is_digit(**at);
    if (!timestamp_parse_separator(at, "-", *is_basic) ||
        !timestamp_parse_number(at, 2, &date.month) ||
        !timestamp_parse_separator(at, "-", *is_basic) ||
        !timestamp_parse_number(at, 2, &date.day)) {
        return false;
    }
    date.year = year;
    if (year < 1970 || date.month < 1 || date.month > 12 || date.day < 1) {
        return false;
    }
    *out = date;
    return date.day <= days_in_month(date);
}

/* Parses the time of day into seconds, and drops a fraction. A leap second (60) is accepted. */
static bool timestamp_parse_clock(const char **at, bool is_basic, int *out)
{
    int hour = 0;
    int minute = 0;
    int second = 0;
    if (!timestamp_parse_number(at, 2, &hour) || !timestamp_parse_separator(at, ":", is_basic) ||
        !timestamp_parse_number(at, 2, &minute) || !timestamp_parse_separator(at, ":", is_basic) ||
        !timestamp_parse_number(at, 2, &second)) {
        return false;
    }
    if (timestamp_parse_char(at, ".,")) {
        if (!ria_ascii_is_digit(**at)) {
            return false;
        }
        while (ria_ascii_is_digit(**at)) {
            (*at)++;
        }
    }
    *out = (hour * 3600) + (minute * 60) + second;
    return hour <= 23 && minute <= 59 && second <= 60;
}

bool ria_timestamp_parse(const char *text, int64_t *out)
{
    const char *at = text;
    struct civil date = {0};
    int clock = 0;
    int zone = 0;
    bool is_basic = false;
    if (!timestamp_parse_date(&at, &date, &is_basic) || !timestamp_parse_char(&at, "Tt ") ||
        !timestamp_parse_clock(&at, is_basic, &clock) || !timestamp_parse_zone(&at, &zone) ||
        *at != '\0') {
        return false;
    }
    int64_t when = (days_from_civil(date) * DAY) + clock - zone;
    if (when <= 0) {
        return false;
    }
    *out = when;
    return true;
}
