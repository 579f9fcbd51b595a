/*
 * What a plugin of promemu is made of, in C.
 *
 * A plugin is a shared library that exports one function, promemu_plugin_v1, which gives the table of what the
 * plugin brings. promemu checks the table before it calls anything in it.
 *
 * What holds:
 *
 * - The first eight bytes of promemu_plugin and promemu_host stay as they are for good: size, major, minor. Within
 *   one major version fields are only ever appended; look at size before you read one that came later.
 * - Nothing that one side has allocated is freed by the other. Texts are borrowed while a call lasts; those of the
 *   table live as long as the library.
 * - A library is never unloaded. A rebuilt one is loaded beside the old one.
 * - A state is used by one thread at a time, and may be used by another one the next time. Functions are called for
 *   several states at the same time.
 * - promemu's functions are for the call that hands their context over, and for its thread.
 * - Nothing may be thrown through these functions: catch it, call fail, and return PROMEMU_FAILED.
 * - Take randomness and time from the tick: then the same seed gives the same values, and virtual time works.
 */
#ifndef PROMEMU_PLUGIN_H
#define PROMEMU_PLUGIN_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

#ifdef __cplusplus
extern "C" {
#endif

#define PROMEMU_ABI_MAJOR 1
#define PROMEMU_ABI_MINOR 1

/* What functions give. */
#define PROMEMU_OK 0        /* a new value was given, or what was asked for was made */
#define PROMEMU_KEEP 1      /* the present value is kept */
#define PROMEMU_FAILED -1   /* it failed; fail was told why */
#define PROMEMU_PANICKED -2 /* the same, and the state is not used again but to be destroyed */

/* Kinds of parameters. */
#define PROMEMU_NUMBER 1   /* a finite number, in number */
#define PROMEMU_DURATION 2 /* seconds, in number; infinite for an endless one */
#define PROMEMU_RANGE 3    /* two finite numbers, in number and high; the first is not above the second */
#define PROMEMU_TEXT 4     /* text */
#define PROMEMU_CHOICE 5   /* one of the words in choices, in text */
#define PROMEMU_NUMBERS 6  /* finite numbers, in numbers */

/* Flags of scenarios. */
#define PROMEMU_GIVES_TOTALS 1 /* its values are totals, which a counter takes as they are */
#define PROMEMU_USES_DT 2      /* it asks for dt_secs */

/* Kinds of a workload's metrics. */
#define PROMEMU_GAUGE 1   /* a number that goes up and down */
#define PROMEMU_COUNTER 2 /* a total, which only grows while somebody lives */

/* Levels of log lines. */
#define PROMEMU_DEBUG 0
#define PROMEMU_INFO 1
#define PROMEMU_WARN 2

/* Text in UTF-8, without a zero at its end; the data of an empty one may be null. */
typedef struct promemu_text {
    const char *data;
    size_t len;
} promemu_text;

/* A string literal as a text, in an initializer. */
#define PROMEMU_TEXT_OF(literal) { literal, sizeof(literal) - 1 }
#define PROMEMU_NO_TEXT { NULL, 0 }

/* A parameter of a scenario, or an argument of a config. */
typedef struct promemu_param {
    uint32_t kind;
    uint32_t reserved;    /* 0 */
    promemu_text name;    /* in configs: a letter or _, then letters, digits and _ */
    promemu_text def;     /* as it would be written: 2.5, 90s, (0, 100), [1, 2]; none if it must be given */
    promemu_text help;    /* what it is, with its unit */
    promemu_text choices; /* the words of a choice, separated by commas */
} promemu_param;

/* A parameter's value. Never grows. */
typedef struct promemu_value {
    uint32_t kind; /* the parameter's; that of a choice is PROMEMU_TEXT */
    uint32_t reserved;
    double number;
    double high;
    promemu_text text;
    const double *numbers;
    size_t numbers_len;
} promemu_value;

/* promemu's functions; the first argument is the context that came with the call. */
typedef struct promemu_host {
    uint32_t size;
    uint16_t abi_major;
    uint16_t abi_minor;
    uint64_t (*random_u64)(void *context);                              /* of the metric's own random stream */
    double (*random_normal)(void *context);                             /* mean 0, deviation 1, of the same stream */
    void (*fail)(void *context, promemu_text why);                      /* before PROMEMU_FAILED is returned */
    void (*log)(void *context, int32_t level, promemu_text line);       /* a line for promemu's log */
    void (*write)(void *context, promemu_text part);                    /* the next part of a config's text */
    void (*emit)(void *context, promemu_text event, promemu_text json); /* one of the scenario's events */
    void (*wake)(void *context, uint64_t at_nanos); /* asks for another value then, beside the metric's interval */
    /* Since 1.1, for workloads: somebody lives in a slot from now on, who began then, with a text for each label; all
       values in the slot are to be written in the same call. Or nobody does any more. */
    void (*begin)(void *context, uint32_t slot, uint64_t began_nanos, const promemu_text *labels);
    void (*end)(void *context, uint32_t slot);
} promemu_host;

/* What a scenario's state or a config is made of. */
typedef struct promemu_setup {
    uint32_t size;
    uint32_t value_count;        /* one value for each parameter, in their order */
    const promemu_value *values; /* those that were not given have their defaults */
    double value;                /* what the metric shows; 0 for a config */
    double range_low;            /* of the metric; minus infinite without a range */
    double range_high;
    const promemu_host *host;
    void *context;
} promemu_setup;

/* What a scenario sees when it is asked for a value. */
typedef struct promemu_tick {
    uint32_t size;
    uint32_t has_event;        /* 1 if an event asks for this value, 0 if the metric's interval does */
    uint64_t now_nanos;        /* the emulated time, since the Unix epoch */
    double t_secs;             /* since the metric's start */
    double dt_secs;            /* since the last update, and 0 at the first; with PROMEMU_USES_DT */
    double value;              /* what the metric shows */
    double range_low;          /* of the metric; values are brought into it */
    double range_high;
    promemu_text host_name;    /* of the metric's host */
    promemu_text event_name;
    promemu_text event_source; /* the host that emitted it */
    promemu_text event_data;   /* in JSON; empty if it carries nothing */
    const promemu_host *host;
    void *context;
    /* Since 1.1: 1 for a workload while time passes as the machine's does, in a live run at normal speed; else 0. */
    uint32_t is_live;
    uint32_t reserved; /* 0 */
} promemu_tick;

/* A kind of scenario. */
typedef struct promemu_scenario {
    promemu_text name;    /* in configs, as a parameter's */
    promemu_text summary; /* in one line */
    const promemu_param *params;
    uint32_t param_count;
    uint32_t param_size;  /* sizeof(promemu_param) */
    promemu_text listens; /* the events that ask it for a value, separated by commas */
    promemu_text emits;   /* the events that it may emit, separated by commas */
    uint32_t flags;
    uint32_t reserved; /* 0 */
    /* Makes the state of one metric, which is not null. Also called when a config is loaded, to see whether the
       parameters are good. */
    int32_t (*create)(const promemu_setup *setup, void **state);
    /* Makes a value, or keeps the present one. */
    int32_t (*update)(void *state, const promemu_tick *tick, double *value);
    /* Ends a state. Called once for each that was made. */
    void (*destroy)(void *state);
} promemu_scenario;

/* A metric of a workload. Since 1.1. */
typedef struct promemu_family {
    uint32_t kind;
    uint32_t reserved; /* 0 */
    promemu_text name;
    promemu_text help;   /* what it says, with its unit */
    promemu_text labels; /* of its own, for several of one name: state=user, or several with commas between them */
} promemu_family;

/* A kind of workload: slots on a host, in each of which somebody lives or nobody, with labels and metrics that all
   have alike. Since 1.1. */
typedef struct promemu_workload {
    promemu_text name;    /* in configs, as a parameter's */
    promemu_text summary; /* in one line */
    const promemu_param *params;
    uint32_t param_count;
    uint32_t param_size; /* sizeof(promemu_param) */
    const promemu_family *families;
    uint32_t family_count;
    uint32_t family_size; /* sizeof(promemu_family) */
    promemu_text labels;  /* the names of the labels, separated by commas; they stand behind the host's */
    promemu_text listens; /* as a scenario's */
    promemu_text emits;
    /* Makes the state of one host, as for a scenario. */
    int32_t (*create)(const promemu_setup *setup, void **state);
    /* Number of slots, some of which may be empty. Constant for a state; 0 if the call failed. */
    uint32_t (*pool_size)(void *state);
    /* Says who comes and goes, by begin and end, and writes values: those of the first slot, one for each family,
       then those of the second, and so on. What is not written stays as it was. */
    int32_t (*update)(void *state, const promemu_tick *tick, double *values, uint32_t pool_size);
    /* Ends a state. Called once for each that was made. */
    void (*destroy)(void *state);
} promemu_workload;

/* A config that is made when it is asked for. */
typedef struct promemu_config {
    promemu_text name;
    promemu_text summary;
    const promemu_param *params;
    uint32_t param_count;
    uint32_t param_size;
    /* Hands the text of a .ron file to write. The same arguments must give the same text. */
    int32_t (*build)(const promemu_setup *setup);
} promemu_config;

/* What a plugin brings. */
typedef struct promemu_plugin {
    uint32_t size;      /* sizeof(promemu_plugin) */
    uint16_t abi_major; /* PROMEMU_ABI_MAJOR */
    uint16_t abi_minor; /* PROMEMU_ABI_MINOR */
    promemu_text name;
    promemu_text version;
    promemu_text summary;
    const promemu_scenario *scenarios;
    uint32_t scenario_count;
    uint32_t scenario_size; /* sizeof(promemu_scenario) */
    const promemu_config *configs;
    uint32_t config_count;
    uint32_t config_size; /* sizeof(promemu_config) */
    const promemu_workload *workloads; /* since 1.1, as the next two */
    uint32_t workload_count;
    uint32_t workload_size; /* sizeof(promemu_workload) */
} promemu_plugin;

#if defined(__GNUC__)
#define PROMEMU_EXPORT __attribute__((visibility("default")))
#else
#define PROMEMU_EXPORT
#endif

/* The function that a plugin exports. */
PROMEMU_EXPORT const promemu_plugin *promemu_plugin_v1(void);

/* A text of a string that ends with a zero. */
static inline promemu_text promemu_text_of(const char *string) {
    promemu_text text;
    text.data = string;
    text.len = strlen(string);
    return text;
}

/* Whether a text is this string. */
static inline int promemu_text_is(promemu_text text, const char *string) {
    return text.len == strlen(string) && (text.len == 0 || memcmp(text.data, string, text.len) == 0);
}

/* A random number from 0 (included) to 1 (excluded). */
static inline double promemu_random(const promemu_tick *tick) {
    return (double)(tick->host->random_u64(tick->context) >> 11) * (1.0 / 9007199254740992.0);
}

#ifdef __cplusplus
}
#endif

#endif
