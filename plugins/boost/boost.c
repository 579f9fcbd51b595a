/*
 * A plugin in C: a scenario with state and events.
 *
 * boost idles until the event boost. Then it rises towards its peak, stays there for a while, and falls back; it
 * emits boost_started and boost_ended. An event with a number, as in emit("boost", 0.5), raises it by that share of
 * the way. An event during a boost prolongs it.
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "promemu_plugin.h"

enum { IDLE, PEAK, RISE, DURATION, NOISE, PARAM_COUNT };

static const promemu_param PARAMS[PARAM_COUNT] = {
    [IDLE] = PROMEMU_PARAM(PROMEMU_NUMBER, "idle", "10", "value without a boost"),
    [PEAK] = PROMEMU_PARAM(PROMEMU_NUMBER, "peak", "90", "value of a boost"),
    [RISE] = PROMEMU_PARAM(PROMEMU_DURATION, "rise", "10s", "time for two thirds of the way, up or down"),
    [DURATION] = PROMEMU_PARAM(PROMEMU_DURATION, "duration", "60s", "length of a boost"),
    [NOISE] = PROMEMU_PARAM(PROMEMU_NUMBER, "noise", "1", "standard deviation"),
};

/* The state of one metric. */
typedef struct boost {
    double idle, peak, rise_secs, noise;
    uint64_t duration_nanos;
    double level;      /* current level, without noise */
    double target;     /* level that it moves to */
    uint64_t ends_at;  /* end of the boost; 0 without one */
} boost;

static int32_t refuse(const promemu_setup *setup, const char *reason) {
    setup->host->fail(setup->context, promemu_text_of(reason));
    return PROMEMU_FAILED;
}

static int32_t create(const promemu_setup *setup, void **state) {
    const promemu_value *values = setup->values;
    double duration = values[DURATION].number;
    if (!(values[RISE].number > 0.0) || isinf(values[RISE].number)) {
        return refuse(setup, "rise must be longer than 0 and not endless");
    }
    if (!(duration > 0.0) || isinf(duration) || duration > 1e9) {
        return refuse(setup, "duration must be longer than 0 and not endless");
    }
    if (values[NOISE].number < 0.0) {
        return refuse(setup, "noise must not be negative");
    }
    boost *it = malloc(sizeof *it);
    if (it == NULL) {
        return refuse(setup, "out of memory");
    }
    it->idle = values[IDLE].number;
    it->peak = values[PEAK].number;
    it->rise_secs = values[RISE].number;
    it->noise = values[NOISE].number;
    it->duration_nanos = (uint64_t)(duration * 1e9);
    it->level = it->target = it->idle;
    it->ends_at = 0;
    *state = it;
    return PROMEMU_OK;
}

/* Share of the boost that an event requests: its number, or 1 without one. */
static double strength(const promemu_tick *tick) {
    char number[64];
    char *end;
    if (tick->event_data.len == 0 || tick->event_data.len >= sizeof number) {
        return 1.0;
    }
    memcpy(number, tick->event_data.data, tick->event_data.len);
    number[tick->event_data.len] = '\0';
    double value = strtod(number, &end);
    return *end == '\0' && isfinite(value) ? value : 1.0;
}

static void emit_value(const promemu_tick *tick, const char *event, double value) {
    char json[32];
    snprintf(json, sizeof json, "%.3f", value);
    tick->host->emit(tick->context, promemu_text_of(event), promemu_text_of(json));
}

static int32_t update(void *state, const promemu_tick *tick, double *value) {
    boost *it = state;
    /* Moves by the time that has passed, so the interval changes nothing. */
    it->level = it->target + (it->level - it->target) * exp(-tick->dt_secs / it->rise_secs);
    if (tick->has_event && promemu_text_is(tick->event_name, "boost")) {
        if (it->ends_at == 0) {
            emit_value(tick, "boost_started", it->level);
        }
        it->target = it->idle + (it->peak - it->idle) * strength(tick);
        it->ends_at = tick->now_nanos + it->duration_nanos;
        tick->host->wake(tick->context, it->ends_at);
    } else if (it->ends_at != 0 && tick->now_nanos >= it->ends_at) {
        it->target = it->idle;
        it->ends_at = 0;
        emit_value(tick, "boost_ended", it->level);
    }
    *value = it->level + it->noise * tick->host->random_normal(tick->context);
    return PROMEMU_OK;
}

static const promemu_scenario SCENARIOS[] = { {
    .name = PROMEMU_TEXT_OF("boost"),
    .summary = PROMEMU_TEXT_OF("idles until the event boost, then rises for a while"),
    .params = PARAMS,
    .param_count = PARAM_COUNT,
    .param_size = sizeof(promemu_param),
    .listens = PROMEMU_TEXT_OF("boost"),
    .emits = PROMEMU_TEXT_OF("boost_started, boost_ended"),
    .flags = PROMEMU_USES_DT,
    .create = create,
    .update = update,
    .destroy = free,
} };

static const promemu_plugin PLUGIN = {
    .size = sizeof(promemu_plugin),
    .abi_major = PROMEMU_ABI_MAJOR,
    .abi_minor = PROMEMU_ABI_MINOR,
    .name = PROMEMU_TEXT_OF("promemu-boost"),
    .version = PROMEMU_TEXT_OF("0.1.0"),
    .summary = PROMEMU_TEXT_OF("A scenario with state and events, in C"),
    .scenarios = SCENARIOS,
    .scenario_count = sizeof SCENARIOS / sizeof *SCENARIOS,
    .scenario_size = sizeof(promemu_scenario),
    .config_size = sizeof(promemu_config),
};

const promemu_plugin *promemu_plugin_v2(void) {
    return &PLUGIN;
}
