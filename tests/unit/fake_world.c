/* SPDX-License-Identifier: MIT
 *
 * Implements the functions of a world with tables. */
#include "fake_world.h"

#include "provider/alias_record.h"
#include "provider/request.h"

#include "unit.h"

static const char *get_env(void *self, const char *name)
{
    const struct ria_fake *fake = self;
    for (size_t i = 0; i < fake->variable_count; i++) {
        if (strcmp(fake->variables[i].name, name) == 0) {
            return fake->variables[i].value;
        }
    }
    return NULL;
}

/* Returns the variables in the order in which they were set. Tests set them in byte order. */
static void add_variables(void *self, const char *prefix, struct ria_buf *out)
{
    const struct ria_fake *fake = self;
    for (size_t i = 0; i < fake->variable_count; i++) {
        const struct ria_fake_variable *variable = &fake->variables[i];
        if (variable->value != NULL && strncmp(variable->name, prefix, strlen(prefix)) == 0) {
            ria_buf_addf(out, "%s=%s", variable->name, variable->value);
            ria_buf_add_char(out, '\0');
        }
    }
}

static int64_t get_now(void *self)
{
    const struct ria_fake *fake = self;
    return fake->now;
}

static int64_t get_ticks(void *self)
{
    struct ria_fake *fake = self;
    fake->ticks += fake->ticks_step;
    return fake->ticks;
}

static uid_t get_uid(void *self)
{
    const struct ria_fake *fake = self;
    return fake->user;
}

static bool get_privileged(void *self, uid_t *user)
{
    struct ria_fake *fake = self;
    if (user != NULL) {
        *user = fake->world.uid(self);
    }
    return fake->is_privileged;
}

static const char *get_home(void *self)
{
    const struct ria_fake *fake = self;
    return fake->passwd_home;
}

static struct ria_fake_file *find_file(struct ria_fake *fake, const char *path)
{
    for (size_t i = 0; i < fake->file_count; i++) {
        if (strcmp(fake->files[i].path, path) == 0) {
            return &fake->files[i];
        }
    }
    return NULL;
}

static enum ria_outcome read_file(
    void *self, const char *path, struct ria_buf *out, struct ria_file *file, struct ria_error *err)
{
    struct ria_fake *fake = self;
    const struct ria_fake_file *found = find_file(fake, path);
    fake->reads++;
    if (found == NULL) {
        return ria_absent(err, "%s does not exist", path);
    }
    if (found->is_unreachable) {
        return ria_failed(err, RIA_E_UNREACHABLE, "%s: is unreachable", path);
    }
    if (found->text == NULL) {
        return ria_failed(err, RIA_E_CONFIG, "%s: cannot be opened: Permission denied", path);
    }
    ria_buf_add(out, found->text, found->len);
    if (out->failed) {
        bool fits = out->len + found->len <= out->max;
        return ria_failed(
            err, RIA_E_CONFIG, "%s: %s", path, fits ? "out of memory" : "too long to be read");
    }
    if (file != NULL) {
        *file = found->file;
    }
    return RIA_FOUND;
}

static bool fake_read_facts(void *self, const char *path, struct ria_file *out)
{
    const struct ria_fake_file *found = find_file(self, path);
    *out = (struct ria_file){.is_missing = found == NULL};
    if (found == NULL || found->text == NULL || found->is_unreachable) {
        return false;
    }
    *out = found->file;
    return true;
}

static bool fake_is_remote(void *self, const char *path)
{
    struct ria_fake *fake = self;
    fake->remote_checks++;
    return fake->remote != NULL && strncmp(path, fake->remote, strlen(fake->remote)) == 0;
}

void ria_fake_enable_stat(struct ria_fake *fake)
{
    fake->world.read_facts = fake_read_facts;
    fake->world.is_remote = fake_is_remote;
}

static enum ria_outcome read_private(
    void *self, const char *directory, const char *name, struct ria_buf *out, struct ria_error *err)
{
    char path[512];
    (void)snprintf(path, sizeof(path), "%s/%s", directory, name);
    const struct ria_fake_file *found = find_file(self, path);
    if (found == NULL || (found->file.mode & 077) != 0) {
        return ria_absent(err, "%s does not exist or is not private", path);
    }
    ria_buf_add(out, found->text, found->len);
    return RIA_FOUND;
}

static bool get_own_directory(void *self, const char *path)
{
    const struct ria_fake *fake = self;
    return fake->foreign_directory == NULL || strcmp(fake->foreign_directory, path) != 0;
}

static bool get_machine(void *self, struct ria_machine *out)
{
    const struct ria_fake *fake = self;
    *out = fake->machine;
    return fake->machine.boot_id[0] != '\0';
}

static bool fetch(
    void *self,
    const struct ria_buf *request,
    struct ria_deadline deadline,
    struct ria_buf *response,
    struct ria_error *err)
{
    struct ria_fake *fake = self;
    fake->deadline = deadline;
    struct ria_request asked = RIA_REQUEST_INIT;
    if (ria_alias_read_request(request, fake->queried_alias)) {
        ria_alias_write_response(fake->alias == NULL ? "" : fake->alias, response);
        return true;
    }
    assert_true(ria_request_read(request, &asked));
    fake->fetches++;
    fake->asked_source = asked.plan.source;
    fake->asked_roles = asked.plan.role_count;
    fake->asked_process_cache = asked.plan.value[RIA_PLAN_PROCESS_CACHE].value != NULL;
    ria_request_release(&asked);
    if (fake->response == NULL && fake->asked_source == RIA_SOURCE_INSTANCE &&
        fake->asked_roles == 0) {
        static const struct ria_response no_instance = {
            .outcome = RIA_ABSENT, .err = {RIA_E_NO_CREDENTIALS, "no instance metadata"}};
        ria_response_write(&no_instance, response);
        return true;
    }
    if (fake->response == NULL) {
        return ria_fail(err, RIA_E_CREDENTIALS, "rds-iam-fetch was asked");
    }
    ria_response_write(fake->response, response);
    return true;
}

static void keep_line(void *self, enum ria_log_level level, const char *line)
{
    struct ria_fake *fake = self;
    if (fake->log_count == RIA_FAKE_ITEMS_MAX) {
        return;
    }
    struct ria_fake_line *kept = &fake->log[fake->log_count++];
    kept->level = level;
    (void)snprintf(kept->text, sizeof(kept->text), "%s", line);
}

void ria_fake_init(struct ria_fake *fake)
{
    *fake = (struct ria_fake){
        .world =
            {
                .self = fake,
                .env = get_env,
                .add_variables = add_variables,
                .now = get_now,
                .ticks = get_ticks,
                .home = get_home,
                .read_file = read_file,
                .read_private = read_private,
                .is_own_directory = get_own_directory,
                .machine = get_machine,
                .fetch = fetch,
                .uid = get_uid,
                .is_privileged = get_privileged,
                .log = keep_line,
                .log_level = RIA_LOG_DEBUG,
            },
        .now = 1787402096,
        .ticks = 5000,
        .user = RIA_FAKE_UID,
        .machine = {.boot_id = "11111111-2222-3333-4444-555555555555", .net_namespace = 1},
    };
    ria_fake_env(fake, "HOME", "/home/u");
}

void ria_fake_env(struct ria_fake *fake, const char *name, const char *value)
{
    size_t at = 0;
    while (at < fake->variable_count && strcmp(fake->variables[at].name, name) != 0) {
        at++;
    }
    assert_true(at < RIA_FAKE_ITEMS_MAX);
    fake->variables[at] = (struct ria_fake_variable){name, value};
    fake->variable_count += at == fake->variable_count ? 1 : 0;
}

struct ria_fake_file *ria_fake_file(struct ria_fake *fake, const char *path, const char *text)
{
    struct ria_fake_file *file = find_file(fake, path);
    if (file == NULL) {
        assert_true(fake->file_count < RIA_FAKE_ITEMS_MAX);
        file = &fake->files[fake->file_count++];
    }
    *file = (struct ria_fake_file){
        .path = path,
        .text = text,
        .len = text == NULL ? 0 : strlen(text),
        .file = {.owner = RIA_FAKE_UID, .mode = 0100600},
    };
    return file;
}

bool ria_fake_logged(const struct ria_fake *fake, enum ria_log_level level, const char *piece)
{
    for (size_t i = 0; i < fake->log_count; i++) {
        if (fake->log[i].level == level && strstr(fake->log[i].text, piece) != NULL) {
            return true;
        }
    }
    return false;
}

size_t ria_fake_log_count(const struct ria_fake *fake, enum ria_log_level level)
{
    size_t count = 0;
    for (size_t i = 0; i < fake->log_count; i++) {
        count += fake->log[i].level == level ? 1 : 0;
    }
    return count;
}
