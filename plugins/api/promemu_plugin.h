/*
 * The interface of promemu's plugins, in C.
 *
 * A plugin is a shared library that exports one function, promemu_plugin_v2, which returns the table of the plugin's
 * contents. promemu checks the table before it calls any function in it.
 *
 * Rules:
 *
 * - The first eight bytes of promemu_plugin and promemu_host never change: size, major, minor. Within a major
 *   version fields are only appended; check size before you read a field that came later.
 * - Neither side frees memory of the other. Texts are borrowed for the call; those of the table live as long as the
 *   library.
 * - A library is never unloaded. A rebuilt one is loaded beside the old one.
 * - A state is used by one thread at a time, possibly by another one the next time. Functions are called for
 *   several states at the same time.
 * - promemu's functions may be called during the call that passed their context, by its thread.
 * - No exception may leave these functions: catch it, call fail, and return PROMEMU_FAILED.
 * - Take random numbers and times from the tick only: then the same seed gives the same values, also in virtual
 *   time.
 */
#ifndef PROMEMU_PLUGIN_H
#define PROMEMU_PLUGIN_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

#ifdef __cplusplus
extern "C" {
#endif

#define PROMEMU_ABI_MAJOR 2
#define PROMEMU_ABI_MINOR 1

/* Statuses that functions return. */
#define PROMEMU_OK 0        /* there is a new value, or the state or config was created */
#define PROMEMU_KEEP 1      /* the current value is kept */
#define PROMEMU_FAILED -1   /* the call failed; fail was called with the reason */
#define PROMEMU_PANICKED -2 /* the same, and the state is only destroyed after that */

/* Kinds of parameters. */
#define PROMEMU_NUMBER 1   /* a finite number, in number */
#define PROMEMU_DURATION 2 /* seconds, in number; infinite if endless */
#define PROMEMU_RANGE 3    /* two finite numbers, in number and high; the first is not above the second */
#define PROMEMU_TEXT 4     /* text */
#define PROMEMU_CHOICE 5   /* one of the words in choices, in text */
#define PROMEMU_NUMBERS 6  /* finite numbers, in numbers */
#define PROMEMU_LIST 7     /* values that all have the declaration of the only field, in items */
#define PROMEMU_MAP 8      /* the same, each under a text of its own, in keys */
#define PROMEMU_RECORD 9   /* a value for each field, in items */

/* Flag of a list, a map or a record: it may be in a file of its own, whose path, ending in .ron, stands in its place. */
#define PROMEMU_FROM_FILE 1

/* Flags of scenarios. */
#define PROMEMU_GIVES_TOTALS 1 /* its values are totals, which a counter shows as they are */
#define PROMEMU_USES_DT 2      /* it reads dt_secs */

/* Kinds of a table's metrics. */
#define PROMEMU_GAUGE 1            /* a number that goes up and down */
#define PROMEMU_COUNTER 2          /* a total, which only grows during the life of a row */
#define PROMEMU_HISTOGRAM 3        /* observations in buckets with bounds */
#define PROMEMU_NATIVE_HISTOGRAM 4 /* observations in buckets of exponential width */
#define PROMEMU_INFO_FAMILY 5      /* always 1; the row's labels are the information */
#define PROMEMU_STATESET 6         /* the value is the number of one of the states, from 0 on */

/* Flag of a metric: its values are shown as they are; those of others are rounded to two decimals. */
#define PROMEMU_UNROUNDED 1

/* Flag of a model: a generator, which does real work, has start and stop, and no virtual time. */
#define PROMEMU_LIVE_ONLY 1

/* Levels of log lines. */
#define PROMEMU_DEBUG 0
#define PROMEMU_INFO 1
#define PROMEMU_WARN 2

/* Text in UTF-8 without a terminating zero; the data of an empty text may be null. */
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
    uint32_t flags;       /* PROMEMU_FROM_FILE, or 0 */
    promemu_text name;    /* in configs: a letter or _, then letters, digits and _ */
    promemu_text def;     /* default, as in a config: 2.5, 90s, (0, 100), [1, 2]; for a list, a map or a record [], {} or (),
                             or one of its choices; empty if the parameter is required */
    promemu_text help;    /* its meaning, with its unit */
    promemu_text choices; /* words of a choice, separated by commas; with a range one of them stands before it, as in
                             steady(0, 1); with a list, a map or a record one may stand in its place */
    const struct promemu_param *fields; /* of a record; of a list or a map one: the declaration of its values */
    uint32_t field_count;
    uint32_t field_size; /* sizeof(promemu_param) */
} promemu_param;

/* Parameters in an initializer; name, def, help and words are string literals, fields is an array. */
#define PROMEMU_PARAM(kind, name, def, help) \
    { kind, 0, PROMEMU_TEXT_OF(name), PROMEMU_TEXT_OF(def), PROMEMU_TEXT_OF(help), PROMEMU_NO_TEXT, NULL, 0, 0 }
#define PROMEMU_CHOICE_PARAM(name, words, def, help)                                                      \
    { PROMEMU_CHOICE, 0, PROMEMU_TEXT_OF(name), PROMEMU_TEXT_OF(def), PROMEMU_TEXT_OF(help),              \
      PROMEMU_TEXT_OF(words), NULL, 0, 0 }
#define PROMEMU_NESTED_PARAM(kind, name, fields, def, help)                                               \
    { kind, 0, PROMEMU_TEXT_OF(name), PROMEMU_TEXT_OF(def), PROMEMU_TEXT_OF(help), PROMEMU_NO_TEXT,       \
      fields, sizeof(fields) / sizeof((fields)[0]), sizeof(promemu_param) }

/* A parameter's value. This table never grows. */
typedef struct promemu_value {
    uint32_t kind; /* of the parameter; PROMEMU_TEXT for a choice, and for a word in place of a list, a map or a record */
    uint32_t reserved;
    double number;
    double high;
    promemu_text text;
    const double *numbers;
    size_t numbers_len;
    const struct promemu_value *items; /* values of a list or a map, or one for each field of a record */
    const promemu_text *keys;          /* of a map */
    size_t item_count;
} promemu_value;

/* A table that a model describes. */
typedef struct promemu_table_spec {
    uint32_t size; /* sizeof(promemu_table_spec) */
    uint32_t rows_max;
    promemu_text name;   /* letters, digits and _ */
    promemu_text labels; /* names, separated by commas; they follow the host's labels; a table without labels has one row */
} promemu_table_spec;

/* A metric of a table. */
typedef struct promemu_family {
    uint32_t size; /* sizeof(promemu_family) */
    uint32_t kind;
    promemu_text name;
    promemu_text help;    /* its meaning: the HELP text */
    promemu_text unit;    /* as in seconds, or empty */
    promemu_text labels;  /* its own labels, as state=user, separated by commas; families of one name must differ in them */
    const double *bounds; /* of a histogram, each above the one before */
    uint32_t bound_count;
    int32_t schema;      /* of a native histogram, as in Prometheus: -4 to 8 */
    promemu_text states; /* of a stateset, separated by commas */
    uint32_t flags;      /* PROMEMU_UNROUNDED, or 0; since version 2.1 */
    uint32_t reserved;   /* 0 */
} promemu_family;

/* The values of a table during a tick: those of the first row, one for each family, then those of the second, and so on,
   present or not. A histogram has a place, which is not used. This struct never grows. */
typedef struct promemu_table {
    double *values;
    uint32_t rows;
    uint32_t families;
} promemu_table;

/* promemu's functions; the first argument is the context that the call passed. */
typedef struct promemu_host {
    uint32_t size;
    uint16_t abi_major;
    uint16_t abi_minor;
    uint64_t (*random_u64)(void *context);                              /* from the metric's own random stream */
    double (*random_normal)(void *context);                             /* mean 0, deviation 1, from the same stream */
    void (*fail)(void *context, promemu_text reason);                   /* call it before you return PROMEMU_FAILED */
    /* Refuses a parameter while a state is created: its path, as in profile.programs[0].threads or prices["a"], and the
       reason, as in must be above 0, but is -1. May be called for several parameters before you return PROMEMU_FAILED. */
    void (*refuse)(void *context, promemu_text path, promemu_text reason);
    void (*log)(void *context, int32_t level, promemu_text line);       /* a line for promemu's log */
    void (*write)(void *context, promemu_text part);                    /* appends to a config's text */
    void (*emit)(void *context, promemu_text event, promemu_text json); /* one of the declared events */
    void (*wake)(void *context, uint64_t at_nanos); /* requests another update then, in addition to the interval */
    /* begin begins a row, with its start and a text for each label, and ends the previous one in its place; the same call
       must write all values of the row. end ends a row. observe adds a value to a histogram so many times. */
    void (*begin)(void *context, uint32_t table, uint32_t row, uint64_t began_nanos, const promemu_text *labels);
    void (*end)(void *context, uint32_t table, uint32_t row);
    void (*observe)(void *context, uint32_t table, uint32_t row, uint32_t family, double value, uint64_t count);
    /* While a model describes itself: adds a table; adds a family to the last table. */
    void (*table)(void *context, const promemu_table_spec *table);
    void (*family)(void *context, const promemu_family *family);
    void (*store)(void *context, const uint8_t *bytes, size_t len); /* appends to a saved state */
    /* The value of the run's lever of this name at a time; PROMEMU_KEEP if there is no such lever. */
    int32_t (*lever_at)(void *context, promemu_text name, uint64_t at_nanos, double *value);
    /* The first time after another at which the lever jumps, or begins or ends to move; PROMEMU_KEEP if there is none. */
    int32_t (*lever_edge)(void *context, promemu_text name, uint64_t after_nanos, uint64_t *at_nanos);
} promemu_host;

/* Input to create a state or to build a config. */
typedef struct promemu_setup {
    uint32_t size;
    uint32_t value_count;        /* one value for each parameter, in their order */
    const promemu_value *values; /* a parameter that was not set has its default */
    double value;                /* current value of the metric; 0 for a config or a model */
    double range_low;            /* of the metric; minus infinity without a range */
    double range_high;
    const promemu_host *host;
    void *context;
} promemu_setup;

/* Input of an update. */
typedef struct promemu_tick {
    uint32_t size;
    uint32_t has_event;        /* 1 if an event caused the update, 0 if the interval did */
    uint64_t now_nanos;        /* emulated time, since the Unix epoch */
    double t_secs;             /* since the metric's start */
    double dt_secs;            /* since the last update, and 0 at the first; with PROMEMU_USES_DT */
    double value;              /* current value of the metric */
    double range_low;          /* of the metric; values are clamped to it */
    double range_high;
    promemu_text host_name;    /* name of the host */
    promemu_text event_name;
    promemu_text event_source; /* host that emitted it */
    promemu_text event_data;   /* in JSON; empty without data */
    const promemu_host *host;
    void *context;
    /* 1 for a model in a live run at normal speed, else 0. */
    uint32_t is_live;
    uint32_t reserved; /* 0 */
} promemu_tick;

/* A scenario. */
typedef struct promemu_scenario {
    promemu_text name;    /* in configs, as for a parameter */
    promemu_text summary; /* one line on its purpose */
    const promemu_param *params;
    uint32_t param_count;
    uint32_t param_size;  /* sizeof(promemu_param) */
    promemu_text listens; /* events that cause an update, separated by commas */
    promemu_text emits;   /* events that it may emit, separated by commas */
    uint32_t flags;
    uint32_t reserved; /* 0 */
    /* Creates the state of one metric, which must not be null. Also called when a config is loaded, to check the
       parameters. */
    int32_t (*create)(const promemu_setup *setup, void **state);
    /* Computes a value, or keeps the current one. */
    int32_t (*update)(void *state, const promemu_tick *tick, double *value);
    /* Destroys a state. Called once for each state. */
    void (*destroy)(void *state);
} promemu_scenario;

/* A model: tables of rows that begin and end on a host. With PROMEMU_LIVE_ONLY it is a generator. */
typedef struct promemu_model {
    promemu_text name;    /* in configs, as for a parameter */
    promemu_text summary; /* one line on its purpose */
    const promemu_param *params;
    uint32_t param_count;
    uint32_t param_size;  /* sizeof(promemu_param) */
    promemu_text listens; /* as for a scenario */
    promemu_text emits;
    uint32_t flags;    /* PROMEMU_LIVE_ONLY, or 0 */
    uint32_t reserved; /* 0 */
    /* Creates the state of one host, as for a scenario. A generator starts nothing here. */
    int32_t (*create)(const promemu_setup *setup, void **state);
    /* Calls host->table and host->family. The same parameters must give the same tables. */
    int32_t (*describe)(void *state, const promemu_setup *setup);
    /* One tick: begins and ends rows, writes values and observes. Values that are not written stay. A generator returns
       at once. */
    int32_t (*advance)(void *state, const promemu_tick *tick, const promemu_table *tables, uint32_t table_count);
    /* Writes the state by host->store. May be null: then there are no snapshots. */
    int32_t (*save)(void *state, const promemu_setup *setup);
    /* Creates a state from what save has written. Null if save is. */
    int32_t (*load)(const promemu_setup *setup, const uint8_t *bytes, size_t len, void **state);
    /* Of a generator: starts its threads; called once, before the first tick. */
    int32_t (*start)(void *state, const promemu_setup *setup);
    /* Of a generator: ends its threads within so many nanoseconds. Called once, after the last tick, by a thread of its
       own. A generator that takes longer is left behind. */
    void (*stop)(void *state, uint64_t deadline_nanos);
    /* Destroys a state. Called once for each state. */
    void (*destroy)(void *state);
} promemu_model;

/* A config that is built on demand. */
typedef struct promemu_config {
    promemu_text name;
    promemu_text summary;
    const promemu_param *params;
    uint32_t param_count;
    uint32_t param_size;
    /* Passes the text of a .ron file to write. The same arguments must give the same text. */
    int32_t (*build)(const promemu_setup *setup);
} promemu_config;

/* A plugin. */
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
    const promemu_model *models;
    uint32_t model_count;
    uint32_t model_size; /* sizeof(promemu_model) */
} promemu_plugin;

#if defined(__GNUC__)
#define PROMEMU_EXPORT __attribute__((visibility("default")))
#else
#define PROMEMU_EXPORT
#endif

/* The function that a plugin exports. */
PROMEMU_EXPORT const promemu_plugin *promemu_plugin_v2(void);

/* The text of a string that ends with a zero. */
static inline promemu_text promemu_text_of(const char *string) {
    promemu_text text;
    text.data = string;
    text.len = strlen(string);
    return text;
}

/* 1 if a text equals a string, else 0. */
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
