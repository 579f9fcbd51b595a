/* Models with one mistake each in their declaration: compile with -DCASE=n, or without it for a good declaration of
   a model that misbehaves by its parameter. */
#include "promemu_plugin.h"

#include <math.h>
#include <stdlib.h>

#ifndef CASE
#define CASE 0
#endif

enum { SHORT_TABLE = 1, NO_DESCRIBE, NO_METRICS, WRONG_KIND, ODD_METRIC, NO_LABELS, SAME_LABELS, SHORT_ELEMENTS,
       NO_STOP, TWIN_METRICS, ODD_LABEL, TAKEN_LABEL, TWO_KINDS };

static const promemu_param PARAMS[] = {
    { PROMEMU_CHOICE, 0, PROMEMU_TEXT_OF("mode"), PROMEMU_TEXT_OF("good"), PROMEMU_TEXT_OF("behaviour"),
      PROMEMU_TEXT_OF("good,keep,nan,far,flood,latin,long,panic,none,many,refusal,echo,gauge,bare,debt"), NULL, 0, 0 },
};

static const double BOUNDS[] = { 1, 2 };

#ifndef FAMILY_BYTES
#define FAMILY_BYTES sizeof(promemu_family)
#endif
#ifndef FAMILY_FLAGS
#define FAMILY_FLAGS 0
#endif

#define FAMILY(kind, name, help, labels) \
    { FAMILY_BYTES, kind, PROMEMU_TEXT_OF(name), help, PROMEMU_NO_TEXT, PROMEMU_TEXT_OF(labels), BOUNDS, 2, 0, \
      PROMEMU_NO_TEXT, FAMILY_FLAGS, 0 }

static const promemu_family FAMILIES[] = {
    FAMILY(CASE == WRONG_KIND ? 9 : PROMEMU_GAUGE, "crowd_height", PROMEMU_TEXT_OF("height"), ""),
#if CASE == 5
    FAMILY(PROMEMU_COUNTER, "crowd steps", PROMEMU_NO_TEXT, ""),
#elif CASE == 10
    FAMILY(PROMEMU_GAUGE, "crowd_height", PROMEMU_TEXT_OF("height"), ""),
#elif CASE == 11
    FAMILY(PROMEMU_COUNTER, "crowd_steps_total", PROMEMU_NO_TEXT, "foot={left}"),
#elif CASE == 12
    FAMILY(PROMEMU_COUNTER, "crowd_steps_total", PROMEMU_NO_TEXT, "foot=left,who=ann"),
#elif CASE == 13
    FAMILY(PROMEMU_COUNTER, "crowd_height", PROMEMU_TEXT_OF("height"), "foot=left"),
#else
    FAMILY(PROMEMU_COUNTER, "crowd_steps_total", PROMEMU_TEXT_OF("how far"), ""),
#endif
};

static int32_t create(const promemu_setup *setup, void **state) {
    promemu_text mode = setup->values[0].text;
    if (promemu_text_is(mode, "refusal")) {
        setup->host->fail(setup->context, promemu_text_of("this is refused"));
        return PROMEMU_FAILED;
    }
    char *copy = malloc(32);
    memcpy(copy, mode.data, mode.len);
    copy[mode.len] = '\0';
    *state = copy;
    return PROMEMU_OK;
}

static int32_t describe(void *state, const promemu_setup *setup) {
    const promemu_host *host = setup->host;
    promemu_text mode = promemu_text_of(state);
    promemu_table_spec table = { sizeof(promemu_table_spec), 3, PROMEMU_TEXT_OF("crowd"),
#if CASE == 6
                                 PROMEMU_NO_TEXT };
#elif CASE == 7
                                 PROMEMU_TEXT_OF("who,who") };
#else
                                 PROMEMU_TEXT_OF("who,where") };
#endif
    if (promemu_text_is(mode, "none")) table.rows_max = 0;
    if (promemu_text_is(mode, "many")) table.rows_max = 4000000000u;
    host->table(setup->context, &table);
    for (int n = 0; n < 2 && CASE != NO_METRICS; n++) {
        host->family(setup->context, &FAMILIES[n]);
    }
    return PROMEMU_OK;
}

static int32_t advance(void *state, const promemu_tick *tick, const promemu_table *tables, uint32_t count) {
    const promemu_host *host = tick->host;
    promemu_text mode = promemu_text_of(state);
    double *values = tables[0].values;
    promemu_text labels[] = { PROMEMU_TEXT_OF("ann"), PROMEMU_TEXT_OF("hall") };
    if (promemu_text_is(mode, "keep")) return PROMEMU_KEEP;
    host->begin(tick->context, 0, 1, tick->now_nanos, labels);
    values[2] = 1.5;
    values[3] = promemu_text_is(mode, "nan") ? (double)NAN : 12;
    host->end(tick->context, 0, 0);
    if (promemu_text_is(mode, "echo")) {
        promemu_text empty = PROMEMU_NO_TEXT;
        host->emit(tick->context, promemu_text_of("alarm"), empty);
    }
    if (promemu_text_is(mode, "far")) host->end(tick->context, count, 0);
    if (promemu_text_is(mode, "gauge")) host->observe(tick->context, 0, 1, 0, 1.5, 1);
    if (promemu_text_is(mode, "flood")) {
        for (int n = 0; n < 100000; n++) host->end(tick->context, 0, 2);
    }
    if (promemu_text_is(mode, "latin")) {
        labels[1] = promemu_text_of("h\xe4ll");
        host->begin(tick->context, 0, 2, 0, labels);
    }
    if (promemu_text_is(mode, "long")) {
        labels[1].len = (size_t)-1;
        host->begin(tick->context, 0, 2, 0, labels);
    }
    if (promemu_text_is(mode, "bare")) host->begin(tick->context, 0, 2, 0, NULL);
    if (promemu_text_is(mode, "debt")) values[5] = -1;
    if (promemu_text_is(mode, "panic")) {
        host->fail(tick->context, promemu_text_of("everything is lost"));
        return PROMEMU_PANICKED;
    }
    return PROMEMU_OK;
}

static const promemu_model MODELS[] = { {
    .name = PROMEMU_TEXT_OF("crowd"),
    .summary = PROMEMU_TEXT_OF("comes and goes"),
    .params = PARAMS,
    .param_count = 1,
    .param_size = sizeof(promemu_param),
    .listens = PROMEMU_TEXT_OF("alarm"),
    .emits = PROMEMU_TEXT_OF("alarm"),
    .flags = CASE == NO_STOP ? PROMEMU_LIVE_ONLY : 0,
    .create = create,
    .describe = CASE == NO_DESCRIBE ? NULL : describe,
    .advance = advance,
    .start = describe,
    .destroy = free,
} };

static const promemu_plugin PLUGIN = {
    .size = CASE == SHORT_TABLE ? sizeof(promemu_plugin) - 1 : sizeof(promemu_plugin),
    .abi_major = PROMEMU_ABI_MAJOR,
    .abi_minor = PROMEMU_ABI_MINOR,
    .name = PROMEMU_TEXT_OF("crowds"),
    .models = MODELS,
    .model_count = 1,
    .model_size = CASE == SHORT_ELEMENTS ? 8 : sizeof(promemu_model),
};

const promemu_plugin *promemu_plugin_v2(void) {
    return &PLUGIN;
}
