//! The text for a metric of each type: its fields, its scenario, and others to choose from.

use promemu_core::metric::MetricType;

/// The text for a metric of one type.
pub(super) struct Pattern {
    pub(super) about: &'static str,
    pub(super) fields: &'static [&'static str],
    /// The formula of the scenario, which reads the lever `load`; or a scenario that reads none.
    pub(super) scenario: Scenario,
    pub(super) alternatives: &'static [&'static str],
}

/// The scenario of a pattern.
pub(super) enum Scenario {
    None,
    Formula(&'static str),
    Other(&'static str),
}

impl Pattern {
    pub(super) const fn of(metric_type: MetricType) -> Self {
        match metric_type {
            MetricType::Gauge => GAUGE,
            MetricType::Counter => COUNTER,
            MetricType::Histogram => HISTOGRAM,
            MetricType::NativeHistogram => NATIVE_HISTOGRAM,
            MetricType::Summary => SUMMARY,
            MetricType::Info => INFO,
            MetricType::StateSet => STATE_SET,
        }
    }
}

const GAUGE: Pattern = Pattern {
    about: "A gauge shows the value of its scenario, within value_range.",
    fields: &["value_range: (0, 100)"],
    scenario: Scenario::Formula("20 * run.load + noise(4)"),
    alternatives: &["random_walk(step: 5)", "sine_wave(period: \"5m\")", "update_by_trend(trend: up)"],
};

const COUNTER: Pattern = Pattern {
    about: "A counter adds up the values of its scenario, here as a rate per second.",
    fields: &["accumulate: per_second", "decimals: 0", "value_range: (0, 1000)"],
    scenario: Scenario::Formula("20 * run.load * random(0.8, 1.2)"),
    alternatives: &[
        "random_walk(step: 5, value_range: (0, 50))",
        "sine_wave(amplitude: 20, offset: 25)",
        "variety_selection(values: [5, 20])",
    ],
};

/// The values to observe, and other scenarios for them.
const OBSERVED: Scenario = Scenario::Formula("0.08 * run.load");
const OTHERS_OBSERVED: &[&str] = &[
    "random_walk(step: 0.01, value_range: (0.05, 0.2))",
    "random_in_range(value_range: (0.1, 0.3))",
    "sine_wave(amplitude: 0.1, offset: 0.2)",
];

const HISTOGRAM: Pattern = Pattern {
    about: "A histogram counts observations, which scatter around the value of its scenario.",
    fields: &[
        "observations: \"20 * run.load\"",
        "spread: lognormal(p99: \"value * 5\")",
        "buckets: [0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5]",
        "value_range: (0.001, 10)",
    ],
    scenario: OBSERVED,
    alternatives: OTHERS_OBSERVED,
};

const NATIVE_HISTOGRAM: Pattern = Pattern {
    about: "A native histogram counts observations in exponential buckets.",
    fields: &[
        "observations: \"200 * run.load\"",
        "spread: lognormal(p99: \"value * 5\")",
        "value_range: (0.001, 10)",
    ],
    scenario: OBSERVED,
    alternatives: OTHERS_OBSERVED,
};

const SUMMARY: Pattern = Pattern {
    about: "A summary shows quantiles of the observations of the last ten minutes.",
    fields: &[
        "observations: \"200 * run.load\"",
        "quantiles: [0.5, 0.99]",
        "spread: lognormal(p99: \"value * 5\")",
        "value_range: (0.001, 10)",
    ],
    scenario: OBSERVED,
    alternatives: OTHERS_OBSERVED,
};

const INFO: Pattern = Pattern {
    about: "An info is always 1; the information is in its labels.",
    fields: &[],
    scenario: Scenario::None,
    alternatives: &[],
};

const STATE_SET: Pattern = Pattern {
    about: "A stateset is in one of its states: the value of its scenario is the state's number, from 0.",
    fields: &["states: [\"starting\", \"running\", \"failed\"]"],
    scenario: Scenario::Other("variety_selection(values: [1, 0, 2], change_probability: 0.05)"),
    alternatives: &["random_in_range", "random_walk(step: 1)"],
};
