/* A plugin that plays the text of its parameter: one call of a function of promemu a line, name and arguments divided by |,
   with %XX for any byte. A text of the form ~N has N bytes at no place, and ^N is longer than any text may be. The lines
   below create, describe, tick, event, save, load and build are played in that call; tick N is the Nth update, the last one
   all further ones. Whatever a line says, the plugin touches nothing but what promemu lends to it. */
#include "promemu_plugin.h"

#include <stdlib.h>

enum { FIELDS_MAX = 24, LABELS_MAX = 16, BOUNDS_MAX = 1100 };

typedef struct {
    promemu_text calls;
    uint32_t ticks;
} state_t;

/* The place of texts that are too long: promemu shows their first bytes. */
static const char LONG[1024] = { 0 };

/* A line, taken apart; the bytes of its fields are in room. */
typedef struct {
    promemu_text fields[FIELDS_MAX];
    size_t count;
    char room[4096];
} line_t;

/* What a call lends, as far as it does. */
typedef struct {
    const promemu_host *host;
    void *context;
    const promemu_table *tables;
    uint32_t table_count;
    uint64_t now_nanos;
    double *value;
} lent_t;

static int digit(char c) {
    if (c >= '0' && c <= '9') return c - '0';
    if (c >= 'A' && c <= 'F') return c - 'A' + 10;
    return -1;
}

/* As promemu_text_is, of texts that may be at no place. */
static int says(promemu_text text, const char *string) {
    return text.data != NULL && promemu_text_is(text, string);
}

static double number(promemu_text text) {
    char room[64];
    size_t len = text.data == NULL ? 0 : text.len < sizeof room ? text.len : sizeof room - 1;
    memcpy(room, len == 0 ? "" : text.data, len);
    room[len] = '\0';
    return strtod(room, NULL);
}

static uint64_t whole(promemu_text text) {
    double read = number(text);
    if (!(read > 0)) return 0;
    return read >= 18446744073709549568.0 ? UINT64_MAX : (uint64_t)read;
}

static uint32_t narrow(promemu_text text) {
    uint64_t read = whole(text);
    return read > UINT32_MAX ? UINT32_MAX : (uint32_t)read;
}

static int32_t with_sign(promemu_text text) {
    double read = number(text);
    return read >= -2147483648.0 && read <= 2147483647.0 ? (int32_t)read : 99;
}

static promemu_text field(const line_t *line, size_t index) {
    promemu_text none = PROMEMU_NO_TEXT;
    return index < line->count ? line->fields[index] : none;
}

/* Takes a line apart; what does not fit is left out. */
static void take_apart(promemu_text text, line_t *line) {
    size_t used = 0, begin = 0;
    line->count = 0;
    for (size_t at = 0; at <= text.len && line->count < FIELDS_MAX; at++) {
        if (at < text.len && text.data[at] != '|') {
            char byte = text.data[at];
            if (byte == '%' && at + 2 < text.len && digit(text.data[at + 1]) >= 0 && digit(text.data[at + 2]) >= 0) {
                byte = (char)(digit(text.data[at + 1]) * 16 + digit(text.data[at + 2]));
                at += 2;
            }
            if (used < sizeof line->room) line->room[used++] = byte;
            continue;
        }
        promemu_text *found = &line->fields[line->count++];
        found->data = line->room + begin;
        found->len = used - begin;
        if (found->len > 1 && found->data[0] == '~') {
            promemu_text rest = { found->data + 1, found->len - 1 };
            found->data = NULL;
            found->len = (size_t)whole(rest);
        } else if (found->len > 1 && found->data[0] == '^') {
            promemu_text rest = { found->data + 1, found->len - 1 };
            uint64_t more = whole(rest);
            found->data = LONG;
            found->len = more > SIZE_MAX / 2 ? SIZE_MAX : SIZE_MAX / 2 + (size_t)more;
        }
        begin = used;
    }
}

static void play_family(const line_t *line, const lent_t *lent) {
    static const union { char bytes[16]; double aligned; } odd = { { 0 } };
    double bounds[BOUNDS_MAX];
    promemu_text list = field(line, 6);
    uint32_t count = 0;
    promemu_family family = {
        .size = line->count > 9 ? narrow(field(line, 9)) : sizeof(promemu_family),
        .kind = narrow(field(line, 1)),
        .name = field(line, 2),
        .help = field(line, 3),
        .unit = field(line, 4),
        .labels = field(line, 5),
        .bounds = bounds,
        .schema = with_sign(field(line, 7)),
        .states = field(line, 8),
    };
    if (says(list, "null")) {
        family.bounds = NULL;
    } else if (says(list, "odd")) {
        family.bounds = (const double *)(const void *)(odd.bytes + 1);
        family.bound_count = 1;
    } else if (list.data == LONG) {
        family.bound_count = UINT32_MAX;
    } else if (list.data != NULL && list.len > 0) {
        for (size_t begin = 0, at = 0; at <= list.len && count < BOUNDS_MAX; at++) {
            if (at < list.len && list.data[at] != ',') continue;
            promemu_text bound = { list.data + begin, at - begin };
            bounds[count++] = number(bound);
            begin = at + 1;
        }
        family.bound_count = count;
    }
    lent->host->family(lent->context, &family);
}

static void set(const line_t *line, const lent_t *lent) {
    uint32_t table = narrow(field(line, 1)), row = narrow(field(line, 2)), family = narrow(field(line, 3));
    if (table >= lent->table_count || row >= lent->tables[table].rows || family >= lent->tables[table].families) return;
    lent->tables[table].values[(size_t)row * lent->tables[table].families + family] = number(field(line, 4));
}

static void begin(const line_t *line, const lent_t *lent) {
    promemu_text labels[LABELS_MAX] = { { 0 } };
    for (size_t n = 0; n < LABELS_MAX && n + 4 < line->count; n++) labels[n] = line->fields[n + 4];
    int has_none = says(field(line, 4), "null");
    lent->host->begin(lent->context, narrow(field(line, 1)), narrow(field(line, 2)), whole(field(line, 3)),
                      has_none ? NULL : labels);
}

/* Plays a line; returns 1 and the status if the line gives one. */
static int play_line(const line_t *line, const lent_t *lent, int32_t *status) {
    const promemu_host *host = lent->host;
    void *context = lent->context;
    promemu_text name = field(line, 0), first = field(line, 1), second = field(line, 2);
    double found = 0;
    uint64_t edge = 0;
    if (says(name, "table")) {
        promemu_table_spec spec = { line->count > 4 ? narrow(field(line, 4)) : sizeof spec, narrow(first), second,
                                    field(line, 3) };
        host->table(context, says(first, "null") ? NULL : &spec);
    } else if (says(name, "family")) play_family(line, lent);
    else if (says(name, "set")) set(line, lent);
    else if (says(name, "begin")) begin(line, lent);
    else if (says(name, "end")) host->end(context, narrow(first), narrow(second));
    else if (says(name, "observe"))
        host->observe(context, narrow(first), narrow(second), narrow(field(line, 3)), number(field(line, 4)),
                      whole(field(line, 5)));
    else if (says(name, "emit")) host->emit(context, first, second);
    else if (says(name, "wake")) host->wake(context, whole(first));
    else if (says(name, "wake_in")) host->wake(context, lent->now_nanos + whole(first));
    else if (says(name, "log")) host->log(context, with_sign(first), second);
    else if (says(name, "fail")) host->fail(context, first);
    else if (says(name, "refuse")) host->refuse(context, first, second);
    else if (says(name, "write")) host->write(context, first);
    else if (says(name, "store")) host->store(context, (const uint8_t *)first.data, first.len);
    else if (says(name, "lever")) {
        if (host->lever_at(context, first, whole(second), &found) == PROMEMU_OK && lent->value != NULL) *lent->value = found;
        if (host->lever_edge(context, first, whole(second), &edge) == PROMEMU_OK) host->wake(context, edge);
    } else if (says(name, "random")) {
        found = host->random_normal(context) + (double)(host->random_u64(context) >> 40);
        if (lent->value != NULL) *lent->value = found;
    } else if (says(name, "value")) {
        if (lent->value != NULL) *lent->value = number(first);
    } else if (says(name, "return")) {
        *status = with_sign(first);
        return 1;
    }
    return 0;
}

static int is_section(const line_t *line) {
    static const char *const NAMES[] = { "create", "describe", "tick", "event", "save", "load", "build" };
    for (size_t n = 0; n < sizeof NAMES / sizeof NAMES[0]; n++) {
        if (says(field(line, 0), NAMES[n])) return 1;
    }
    return 0;
}

/* Plays a part: of parts of one name that with this number, or the last one before. */
static int32_t play(promemu_text calls, const char *part, uint32_t number_of_part, const lent_t *lent) {
    line_t line;
    int32_t status = PROMEMU_OK;
    uint32_t seen = 0, parts = 0;
    for (int pass = 0; pass < 2; pass++) {
        int plays = 0;
        seen = 0;
        for (size_t begins = 0, at = 0; at <= calls.len; at++) {
            if (at < calls.len && calls.data[at] != '\n') continue;
            promemu_text text = { calls.data + begins, at - begins };
            begins = at + 1;
            take_apart(text, &line);
            if (is_section(&line)) {
                int is_part = says(line.fields[0], part);
                seen += is_part;
                plays = is_part && (seen == number_of_part + 1 || (seen == parts && number_of_part >= parts));
            } else if (pass == 1 && plays && play_line(&line, lent, &status)) {
                return status;
            }
        }
        parts = seen;
    }
    return status;
}

static state_t *state_of(promemu_text calls, uint32_t ticks) {
    state_t *state = malloc(sizeof *state + calls.len);
    if (state == NULL) return NULL;
    state->ticks = ticks;
    state->calls.data = (char *)(state + 1);
    state->calls.len = calls.len;
    if (calls.len > 0) memcpy(state + 1, calls.data, calls.len);
    return state;
}

static int32_t create(const promemu_setup *setup, void **state) {
    lent_t lent = { .host = setup->host, .context = setup->context };
    promemu_text calls = setup->values[0].text;
    int32_t status = play(calls, "create", 0, &lent);
    if (status == PROMEMU_OK || status == PROMEMU_KEEP) *state = state_of(calls, 0);
    return status;
}

static int32_t describe(void *state, const promemu_setup *setup) {
    lent_t lent = { .host = setup->host, .context = setup->context };
    return play(((state_t *)state)->calls, "describe", 0, &lent);
}

static int32_t next(state_t *state, const promemu_tick *tick, lent_t *lent) {
    lent->host = tick->host;
    lent->context = tick->context;
    lent->now_nanos = tick->now_nanos;
    if (tick->has_event) return play(state->calls, "event", 0, lent);
    return play(state->calls, "tick", state->ticks++, lent);
}

static int32_t advance(void *state, const promemu_tick *tick, const promemu_table *tables, uint32_t count) {
    lent_t lent = { .tables = tables, .table_count = count };
    return next(state, tick, &lent);
}

static int32_t update(void *state, const promemu_tick *tick, double *value) {
    lent_t lent = { .value = value };
    *value = tick->value;
    return next(state, tick, &lent);
}

static int32_t save(void *state, const promemu_setup *setup) {
    lent_t lent = { .host = setup->host, .context = setup->context };
    const state_t *saved = state;
    setup->host->store(setup->context, (const uint8_t *)&saved->ticks, sizeof saved->ticks);
    return play(saved->calls, "save", 0, &lent);
}

static int32_t load(const promemu_setup *setup, const uint8_t *bytes, size_t len, void **state) {
    lent_t lent = { .host = setup->host, .context = setup->context };
    uint32_t ticks = 0;
    int32_t status = play(setup->values[0].text, "load", 0, &lent);
    if (len < sizeof ticks) return PROMEMU_FAILED;
    memcpy(&ticks, bytes, sizeof ticks);
    if (status == PROMEMU_OK || status == PROMEMU_KEEP) *state = state_of(setup->values[0].text, ticks);
    return status;
}

static int32_t build(const promemu_setup *setup) {
    lent_t lent = { .host = setup->host, .context = setup->context };
    return play(setup->values[0].text, "build", 0, &lent);
}

static const promemu_param PARAMS[] = {
    PROMEMU_PARAM(PROMEMU_TEXT, "calls", "", "what to call"),
};

static const promemu_scenario SCENARIOS[] = { {
    .name = PROMEMU_TEXT_OF("played_value"),
    .params = PARAMS,
    .param_count = 1,
    .param_size = sizeof(promemu_param),
    .listens = PROMEMU_TEXT_OF("go"),
    .emits = PROMEMU_TEXT_OF("go"),
    .flags = PROMEMU_USES_DT,
    .create = create,
    .update = update,
    .destroy = free,
} };

static const promemu_model MODELS[] = { {
    .name = PROMEMU_TEXT_OF("played"),
    .params = PARAMS,
    .param_count = 1,
    .param_size = sizeof(promemu_param),
    .listens = PROMEMU_TEXT_OF("go"),
    .emits = PROMEMU_TEXT_OF("go"),
    .create = create,
    .describe = describe,
    .advance = advance,
    .save = save,
    .load = load,
    .destroy = free,
} };

static const promemu_config CONFIGS[] = { {
    .name = PROMEMU_TEXT_OF("played_config"),
    .params = PARAMS,
    .param_count = 1,
    .param_size = sizeof(promemu_param),
    .build = build,
} };

static const promemu_plugin PLUGIN = {
    .size = sizeof(promemu_plugin),
    .abi_major = PROMEMU_ABI_MAJOR,
    .abi_minor = PROMEMU_ABI_MINOR,
    .name = PROMEMU_TEXT_OF("played"),
    .scenarios = SCENARIOS,
    .scenario_count = 1,
    .scenario_size = sizeof(promemu_scenario),
    .configs = CONFIGS,
    .config_count = 1,
    .config_size = sizeof(promemu_config),
    .models = MODELS,
    .model_count = 1,
    .model_size = sizeof(promemu_model),
};

PROMEMU_EXPORT const promemu_plugin *promemu_plugin_v2(void) {
    return &PLUGIN;
}
