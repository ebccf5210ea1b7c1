/* SPDX-License-Identifier: MIT
 *
 * Adds a group to ~/.my.cnf. Reads the file line by line as MariaDB's programs do: a group may
 * occur several times, and - and _ are the same in the name of an option. Does not follow !include.
 * Rejects a group that exists with other options, and names the first line that differs. */
#include "tool/setup_files.h"

#include "tool/user_file.h"

#include <limits.h>
#include <stdio.h>
#include <string.h>

/* The result of a search for a group in the option file, in which the group may occur several
 * times. */
struct group_search {
    const struct ria_user_file *file;
    const struct ria_setup_section *wanted;
    unsigned found; /* one bit for each setting of the wanted section */
    bool is_inside;
    unsigned first_line; /* of the group; 0: the file has no such group */
    unsigned other_line; /* the first line that differs from the wanted settings; 0: none */
    char difference[160];
};

/* A part of a line without the blanks around it. */
struct part {
    const char *at;
    size_t len;
};

static struct part option_file_trim(const char *at, size_t len)
{
    while (len > 0 && ria_ascii_is_space(*at)) {
        at++;
        len--;
    }
    while (len > 0 && ria_ascii_is_space(at[len - 1])) {
        len--;
    }
    return (struct part){at, len};
}

static bool is_text(struct part part, const char *text)
{
    return part.len == strlen(text) && memcmp(part.at, text, part.len) == 0;
}

/* In an option file, - and _ are the same in the name of an option. */
static bool is_key(struct part part, const char *key)
{
    size_t i = 0;
    while (i < part.len && (part.at[i] == key[i] || (part.at[i] == '_' && key[i] == '-'))) {
        i++;
    }
    return i == part.len && key[i] == '\0';
}

static bool is_group(struct part line, const char *group)
{
    const char *end = memchr(line.at, ']', line.len);
    struct part name = option_file_trim(line.at + 1, end == NULL ? 0 : (size_t)(end - line.at) - 1);
    return name.len == strlen(group) && ria_ascii_same_bytes(name.at, group, name.len);
}

/* Returns the setting with this key. If there is none, returns the last element of the array, whose
 * name is NULL. */
static const struct ria_setup_value *option_file_find_setting(
    const struct ria_setup_section *section, struct part key)
{
    const struct ria_setup_value *setting = section->settings;
    while (setting->name != NULL && !is_key(key, setting->name)) {
        setting++;
    }
    return setting;
}

/* Compares a line of the group with the settings to write, and stores the first difference in
 * *search. The text of the difference does not contain the value of any other option, because that
 * value may be a password. */
static void compare_setting(struct group_search *search, struct part line, unsigned number)
{
    const char *equals = memchr(line.at, '=', line.len);
    size_t len = equals == NULL ? line.len : (size_t)(equals - line.at);
    struct part key = option_file_trim(line.at, len);
    struct part value =
        equals == NULL ? (struct part){"", 0} : option_file_trim(equals + 1, line.len - len - 1);
    const struct ria_setup_value *wanted = option_file_find_setting(search->wanted, key);
    if (wanted->name != NULL && is_text(value, wanted->value)) {
        search->found |= 1U << (wanted - search->wanted->settings);
    } else if (search->other_line == 0) {
        size_t word = 0;
        while (word < key.len && !ria_ascii_is_space(key.at[word])) {
            word++;
        }
        search->other_line = number;
        (void)ria_text_format(
            search->difference,
            sizeof(search->difference),
            "%s %.*s",
            wanted->name != NULL ? "has another" : "also has",
            (int)word,
            key.at);
    }
}

static void search_line(struct group_search *search, struct part line, unsigned number)
{
    if (line.len == 0 || *line.at == '#' || *line.at == ';' || *line.at == '!') {
        return;
    }
    if (*line.at == '[') {
        search->is_inside = is_group(line, search->wanted->name);
        if (search->is_inside && search->first_line == 0) {
            search->first_line = number;
        }
    } else if (search->is_inside) {
        compare_setting(search, line, number);
    }
}

static void search_group(struct group_search *search)
{
    const char *at = search->file->text.data;
    const char *end = at == NULL ? at : at + search->file->text.len;
    for (unsigned number = 1; at != end; number++) {
        const char *newline = memchr(at, '\n', (size_t)(end - at));
        size_t len = newline == NULL ? (size_t)(end - at) : (size_t)(newline - at);
        search_line(search, option_file_trim(at, len), number);
        at += newline == NULL ? len : len + 1;
    }
    const struct ria_setup_value *settings = search->wanted->settings;
    for (size_t i = 0; settings[i].name != NULL && search->other_line == 0; i++) {
        if ((search->found & 1U << i) == 0) {
            search->other_line = search->first_line;
            (void)ria_text_format(
                search->difference, sizeof(search->difference), "has no %s", settings[i].name);
        }
    }
}

/* Adds the group, unless the file already has it. */
static bool setup_option_file_add(
    const struct ria_setup_section *section, struct ria_user_file *file, struct ria_error *err)
{
    struct group_search search = {.file = file, .wanted = section};
    search_group(&search);
    if (search.first_line == 0) {
        bool is_added = ria_user_file_append(file, section->text, err);
        if (is_added) {
            (void)fputs(section->next, stdout); /* the caller reports a stdout that fails */
        }
        return is_added;
    }
    if (search.other_line != 0) {
        return ria_user_file_differs(
            file,
            search.other_line,
            section->name,
            search.difference,
            "edit the group: without --write, this command prints its lines",
            err);
    }
    (void)printf(
        "%s:%u: [%s] already has these lines; nothing was changed\n",
        file->path,
        search.first_line,
        section->name);
    return true;
}

bool ria_setup_write_group(
    const struct ria_setup_section *section, const struct ria_world *world, struct ria_error *err)
{
    char path[PATH_MAX];
    struct ria_user_file file = {.directory = -1};
    const char *home = ria_world_home(world);
    if (home == NULL || *home != '/' || !ria_text_format(path, sizeof(path), "%s/.my.cnf", home)) {
        return ria_fail(
            err,
            RIA_E_CONFIG,
            "the directory of ~/.my.cnf is not known; set HOME to an absolute path");
    }
    bool ok = ria_user_file_open(path, "HOME=DIRECTORY", world, &file, err) &&
              setup_option_file_add(section, &file, err);
    ria_user_file_release(&file);
    return ok;
}
