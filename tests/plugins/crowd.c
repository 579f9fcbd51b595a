/* Workloads with one mistake each in their declaration: compile with -DCASE=n, or without it for a good declaration of
   a workload that misbehaves by its parameter. */
#include "promemu_plugin.h"

#include <math.h>
#include <stdlib.h>

#ifndef CASE
#define CASE 0
#endif

enum { SHORT_TABLE = 1, NO_POOL_SIZE, NO_METRICS, WRONG_KIND, ODD_METRIC, NO_LABELS, SAME_LABELS, SHORT_ELEMENTS,
       TWIN_METRICS = 10, ODD_LABEL, TAKEN_LABEL, TWO_KINDS };

static const promemu_param PARAMS[] = {
    { PROMEMU_CHOICE, 0, PROMEMU_TEXT_OF("mode"), PROMEMU_TEXT_OF("good"), PROMEMU_TEXT_OF("behaviour"),
      PROMEMU_TEXT_OF("good,keep,nan,far,flood,latin,long,panic,none,many,refusal,echo"), NULL, 0, 0 },
};

static const promemu_family FAMILIES[] = {
    { CASE == WRONG_KIND ? 9 : PROMEMU_GAUGE, 0, PROMEMU_TEXT_OF("crowd_height"), PROMEMU_TEXT_OF("height"),
      PROMEMU_NO_TEXT },
#if CASE == 5
    { PROMEMU_COUNTER, 0, PROMEMU_TEXT_OF("crowd steps"), PROMEMU_NO_TEXT, PROMEMU_NO_TEXT },
#elif CASE == 10
    { PROMEMU_GAUGE, 0, PROMEMU_TEXT_OF("crowd_height"), PROMEMU_TEXT_OF("height"), PROMEMU_NO_TEXT },
#elif CASE == 11
    { PROMEMU_COUNTER, 0, PROMEMU_TEXT_OF("crowd_steps_total"), PROMEMU_NO_TEXT, PROMEMU_TEXT_OF("foot={left}") },
#elif CASE == 12
    { PROMEMU_COUNTER, 0, PROMEMU_TEXT_OF("crowd_steps_total"), PROMEMU_NO_TEXT, PROMEMU_TEXT_OF("foot=left,who=ann") },
#elif CASE == 13
    { PROMEMU_COUNTER, 0, PROMEMU_TEXT_OF("crowd_height"), PROMEMU_TEXT_OF("height"), PROMEMU_TEXT_OF("foot=left") },
#else
    { PROMEMU_COUNTER, 0, PROMEMU_TEXT_OF("crowd_steps_total"), PROMEMU_TEXT_OF("how far"), PROMEMU_NO_TEXT },
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

static uint32_t pool_size(void *state) {
    promemu_text mode = promemu_text_of(state);
    return promemu_text_is(mode, "none") ? 0 : promemu_text_is(mode, "many") ? 4000000000u : 3;
}

static int32_t update(void *state, const promemu_tick *tick, double *values, uint32_t count) {
    const promemu_host *host = tick->host;
    promemu_text mode = promemu_text_of(state);
    promemu_text labels[] = { PROMEMU_TEXT_OF("ann"), PROMEMU_TEXT_OF("hall") };
    if (promemu_text_is(mode, "keep")) return PROMEMU_KEEP;
    host->begin(tick->context, 1, tick->now_nanos, labels);
    values[2] = 1.5;
    values[3] = promemu_text_is(mode, "nan") ? (double)NAN : 12;
    host->end(tick->context, 0);
    if (promemu_text_is(mode, "echo")) {
        promemu_text empty = PROMEMU_NO_TEXT;
        host->emit(tick->context, promemu_text_of("alarm"), empty);
    }
    if (promemu_text_is(mode, "far")) host->end(tick->context, count);
    if (promemu_text_is(mode, "flood")) {
        for (int n = 0; n < 100000; n++) host->end(tick->context, 2);
    }
    if (promemu_text_is(mode, "latin")) {
        labels[1] = promemu_text_of("h\xe4ll");
        host->begin(tick->context, 2, 0, labels);
    }
    if (promemu_text_is(mode, "long")) {
        labels[1].len = (size_t)-1;
        host->begin(tick->context, 2, 0, labels);
    }
    if (promemu_text_is(mode, "panic")) {
        host->fail(tick->context, promemu_text_of("everything is lost"));
        return PROMEMU_PANICKED;
    }
    return PROMEMU_OK;
}

static const promemu_workload WORKLOADS[] = { {
    .name = PROMEMU_TEXT_OF("crowd"),
    .summary = PROMEMU_TEXT_OF("comes and goes"),
    .params = PARAMS,
    .param_count = 1,
    .param_size = sizeof(promemu_param),
    .families = FAMILIES,
    .family_count = CASE == NO_METRICS ? 0 : 2,
    .family_size = sizeof(promemu_family),
#if CASE == 6
    .labels = PROMEMU_NO_TEXT,
#elif CASE == 7
    .labels = PROMEMU_TEXT_OF("who,who"),
#else
    .labels = PROMEMU_TEXT_OF("who,where"),
#endif
    .listens = PROMEMU_TEXT_OF("alarm"),
    .emits = PROMEMU_TEXT_OF("alarm"),
    .create = create,
    .pool_size = CASE == NO_POOL_SIZE ? NULL : pool_size,
    .update = update,
    .destroy = free,
} };

static const promemu_plugin PLUGIN = {
    .size = CASE == SHORT_TABLE ? sizeof(promemu_plugin) - 1 : sizeof(promemu_plugin),
    .abi_major = PROMEMU_ABI_MAJOR,
    .abi_minor = PROMEMU_ABI_MINOR,
    .name = PROMEMU_TEXT_OF("crowds"),
    .workloads = WORKLOADS,
    .workload_count = 1,
    .workload_size = CASE == SHORT_ELEMENTS ? 8 : sizeof(promemu_workload),
};

const promemu_plugin *promemu_plugin_v2(void) {
    return &PLUGIN;
}
