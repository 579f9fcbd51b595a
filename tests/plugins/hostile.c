/* Plugins with one mistake each in their declaration: compile with -DCASE=n, or without it for a good declaration of a
   plugin that misbehaves by its parameter. */
#include "promemu_plugin.h"

#include <math.h>
#include <stdlib.h>

#ifndef CASE
#define CASE 0
#endif

enum { WRONG_MAJOR = 1, ONLY_NEWER, ONLY_A_WORD, NO_TABLE, SHORT_TABLE, NO_NAME, ODD_NAME, NOT_UTF8, ENDLESS, NOWHERE,
       SHORT_ELEMENTS, NO_UPDATE, TWICE, WRONG_DEFAULT, WRONG_KIND, LONG_TEXT, MISALIGNED, BUILT_IN, NO_BUILD };

static const promemu_param PARAMS[] = {
    { CASE == WRONG_KIND ? 99 : PROMEMU_CHOICE, 0, PROMEMU_TEXT_OF("mode"),
#if CASE == 14
      PROMEMU_TEXT_OF("quiet"),
#else
      PROMEMU_TEXT_OF("good"),
#endif
      PROMEMU_TEXT_OF("what it does"),
      PROMEMU_TEXT_OF("good,nan,infinite,status,panic,speechless,babble,stranger,no_json,flood,past,chatter,stateless,refusal,"
                      "keep,low,kept,complaint,census") },
};

static int alive;

static void destroy(void *state) {
    alive--;
    free(state);
}

static int32_t create(const promemu_setup *setup, void **state) {
    promemu_text mode = setup->values[0].text;
    char *copy = malloc(32);
    memcpy(copy, mode.data, mode.len);
    copy[mode.len] = '\0';
    if (promemu_text_is(mode, "stateless")) {
        free(copy);
        return PROMEMU_OK;
    }
    if (promemu_text_is(mode, "refusal")) {
        free(copy);
        setup->host->fail(setup->context, promemu_text_of("this is refused"));
        return PROMEMU_FAILED;
    }
    const char *reason = NULL;
    if (promemu_text_is(mode, "low") && setup->value > 0) reason = "5 is too much";
    if (promemu_text_is(mode, "census")) reason = alive ? "others are alive" : "no other is alive";
    if (reason) {
        free(copy);
        setup->host->fail(setup->context, promemu_text_of(reason));
        return PROMEMU_FAILED;
    }
    alive++;
    *state = copy;
    if (promemu_text_is(mode, "complaint")) {
        setup->host->emit(setup->context, promemu_text_of("host_stopped"), (promemu_text)PROMEMU_NO_TEXT);
    }
    return promemu_text_is(mode, "kept") ? PROMEMU_KEEP : PROMEMU_OK;
}

static int32_t update(void *state, const promemu_tick *tick, double *value) {
    const promemu_host *host = tick->host;
    promemu_text empty = PROMEMU_NO_TEXT;
    promemu_text mode = promemu_text_of(state);
    *value = 7.0;
    if (promemu_text_is(mode, "nan")) *value = (double)NAN;
    if (promemu_text_is(mode, "infinite")) *value = (double)INFINITY;
    if (promemu_text_is(mode, "keep")) return PROMEMU_KEEP;
    if (promemu_text_is(mode, "status")) return 12345;
    if (promemu_text_is(mode, "speechless")) return PROMEMU_FAILED;
    if (promemu_text_is(mode, "panic")) {
        host->fail(tick->context, promemu_text_of("everything is lost"));
        return PROMEMU_PANICKED;
    }
    if (promemu_text_is(mode, "babble")) {
        static char babble[100000];
        memset(babble, 0xff, sizeof babble);
        babble[1] = '\n';
        host->fail(tick->context, (promemu_text){ babble, sizeof babble });
        return PROMEMU_FAILED;
    }
    if (promemu_text_is(mode, "stranger")) host->emit(tick->context, promemu_text_of("host_stopped"), empty);
    if (promemu_text_is(mode, "no_json")) host->emit(tick->context, promemu_text_of("done"), promemu_text_of("{no json"));
    if (promemu_text_is(mode, "flood")) {
        for (int n = 0; n < 100000; n++) host->emit(tick->context, promemu_text_of("done"), empty);
    }
    if (promemu_text_is(mode, "past")) host->wake(tick->context, 1);
    if (promemu_text_is(mode, "chatter")) {
        for (int n = 0; n < 100000; n++) host->log(tick->context, n % 5, promemu_text_of("bla\nbla"));
    }
    return PROMEMU_OK;
}

static const promemu_scenario SCENARIOS[] = {
    {
#if CASE == 7
        .name = PROMEMU_TEXT_OF("odd name"),
#elif CASE == 18
        .name = PROMEMU_TEXT_OF("sine_wave"),
#else
        .name = PROMEMU_TEXT_OF("rogue"),
#endif
#if CASE == 8
        .summary = PROMEMU_TEXT_OF("\xff\xfe"),
#elif CASE == 16
        .summary = { "x", (size_t)-1 },
#else
        .summary = PROMEMU_TEXT_OF("does what it must not"),
#endif
        .params = PARAMS,
        .param_count = 1,
        .param_size = sizeof(promemu_param),
        .emits = PROMEMU_TEXT_OF("done"),
        .create = create,
        .update = CASE == NO_UPDATE ? NULL : update,
        .destroy = destroy,
    },
    {
        .name = PROMEMU_TEXT_OF("rogue"),
        .create = create,
        .update = update,
        .destroy = destroy,
    },
};

/* From case 20 on the declaration is good: case 20 builds a wrong config, case 20 + n one with n hosts. */
static int32_t build(const promemu_setup *setup) {
    char host[] = "    Host(name: \"rogue-0\", metrics: [Metric(name: \"level\", value_range: (0, 9), scenario: rogue)]),\n";
    if (CASE == 20) {
        setup->host->write(setup->context, promemu_text_of("Config(hosts: [Hots()])"));
        return PROMEMU_OK;
    }
    setup->host->write(setup->context, promemu_text_of("Config(hosts: [\n"));
    for (int n = 20; n < CASE; n++) {
        host[22] = (char)('0' + n - 20);
        setup->host->write(setup->context, promemu_text_of(host));
    }
    setup->host->write(setup->context, promemu_text_of("])\n"));
    return PROMEMU_OK;
}

static const promemu_config CONFIGS[] = { {
    .name = PROMEMU_TEXT_OF("rogue_config"),
    .build = CASE == NO_BUILD ? NULL : build,
} };

static const promemu_plugin PLUGIN = {
    .size = CASE == SHORT_TABLE ? 16 : sizeof(promemu_plugin),
    .abi_major = CASE == WRONG_MAJOR ? 1 : PROMEMU_ABI_MAJOR,
    .abi_minor = 9,
#if CASE != 6
    .name = PROMEMU_TEXT_OF("hostile"),
#endif
    .scenarios = CASE == NOWHERE      ? NULL
                 : CASE == MISALIGNED ? (const promemu_scenario *)((const char *)SCENARIOS + 1)
                                      : SCENARIOS,
    .scenario_count = CASE == ENDLESS ? 4000000000u : CASE == TWICE ? 2 : 1,
    .scenario_size = CASE == SHORT_ELEMENTS ? 8 : sizeof(promemu_scenario),
    .configs = CONFIGS,
    .config_count = CASE >= NO_BUILD ? 1 : 0,
    .config_size = sizeof(promemu_config),
};

#if CASE == 2
PROMEMU_EXPORT const promemu_plugin *promemu_plugin_v3(void) {
    return &PLUGIN;
}
#elif CASE == 3
const char *const word = "promemu_plugin_v2";
const promemu_plugin *table = &PLUGIN;
#else
const promemu_plugin *promemu_plugin_v2(void) {
    return CASE == NO_TABLE ? NULL : &PLUGIN;
}
#endif
