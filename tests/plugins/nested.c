/* A plugin whose parameters have the fields of the next level, FANOUT of them on each of eight levels: few bytes that say
   FANOUT to the power of eight. */
#include "promemu_plugin.h"

#define FIELD(name, kind, fields, count)                                                                     \
    { kind, 0, PROMEMU_TEXT_OF(name), PROMEMU_NO_TEXT, PROMEMU_NO_TEXT, PROMEMU_NO_TEXT, fields, count,      \
      sizeof(promemu_param) }
#define LEVEL(level, kind, fields, count)                                                                    \
    static const promemu_param level[] = { FIELD("a", kind, fields, count), FIELD("b", kind, fields, count), \
                                           FIELD("c", kind, fields, count), FIELD("d", kind, fields, count), \
                                           FIELD("e", kind, fields, count), FIELD("f", kind, fields, count), \
                                           FIELD("g", kind, fields, count), FIELD("h", kind, fields, count) };

LEVEL(EIGHTH, PROMEMU_NUMBER, NULL, 0)
LEVEL(SEVENTH, PROMEMU_RECORD, EIGHTH, FANOUT)
LEVEL(SIXTH, PROMEMU_RECORD, SEVENTH, FANOUT)
LEVEL(FIFTH, PROMEMU_RECORD, SIXTH, FANOUT)
LEVEL(FOURTH, PROMEMU_RECORD, FIFTH, FANOUT)
LEVEL(THIRD, PROMEMU_RECORD, FOURTH, FANOUT)
LEVEL(SECOND, PROMEMU_RECORD, THIRD, FANOUT)
LEVEL(PARAMS, PROMEMU_RECORD, SECOND, FANOUT)

static int32_t create(const promemu_setup *setup, void **state) {
    (void)setup, (void)state;
    return PROMEMU_FAILED;
}

static int32_t update(void *state, const promemu_tick *tick, double *value) {
    (void)state, (void)tick, (void)value;
    return PROMEMU_FAILED;
}

static void destroy(void *state) {
    (void)state;
}

static const promemu_scenario SCENARIOS[] = { {
    .name = PROMEMU_TEXT_OF("nested"),
    .params = PARAMS,
    .param_count = FANOUT,
    .param_size = sizeof(promemu_param),
    .create = create,
    .update = update,
    .destroy = destroy,
} };

static const promemu_plugin PLUGIN = {
    .size = sizeof(promemu_plugin),
    .abi_major = PROMEMU_ABI_MAJOR,
    .abi_minor = PROMEMU_ABI_MINOR,
    .name = PROMEMU_TEXT_OF("nested"),
    .scenarios = SCENARIOS,
    .scenario_count = 1,
    .scenario_size = sizeof(promemu_scenario),
};

PROMEMU_EXPORT const promemu_plugin *promemu_plugin_v2(void) {
    return &PLUGIN;
}
