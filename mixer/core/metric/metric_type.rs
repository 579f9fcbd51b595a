//! The metric types of configs.

/// The type of a metric, as configs name it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum MetricType {
    /// Goes up and down.
    Gauge,
    /// Only goes up.
    Counter,
    /// Counts observations in buckets.
    Histogram,
    /// Counts observations in exponential buckets.
    NativeHistogram,
    /// Shows quantiles of recent observations.
    Summary,
    /// Always 1; the information is in its labels.
    Info,
    /// Shows which one of several states is active.
    StateSet,
}

impl MetricType {
    /// All of them.
    pub const ALL: [Self; 7] = [
        Self::Gauge,
        Self::Counter,
        Self::Histogram,
        Self::NativeHistogram,
        Self::Summary,
        Self::Info,
        Self::StateSet,
    ];

    /// The type of this name in configs.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|t| t.name() == name)
    }

    /// The name in configs.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Gauge => "gauge",
            Self::Counter => "counter",
            Self::Histogram => "histogram",
            Self::NativeHistogram => "native_histogram",
            Self::Summary => "summary",
            Self::Info => "info",
            Self::StateSet => "stateset",
        }
    }

    /// `true` for a type whose number only grows until a reset: a total, or the number of observations.
    #[must_use]
    pub const fn grows(self) -> bool {
        matches!(self, Self::Counter | Self::Histogram | Self::NativeHistogram | Self::Summary)
    }

    /// The name in the text format, which has fewer types.
    #[must_use]
    pub const fn text_name(self) -> &'static str {
        match self {
            Self::Gauge | Self::Info | Self::StateSet => "gauge",
            Self::Counter => "counter",
            Self::Histogram | Self::NativeHistogram => "histogram",
            Self::Summary => "summary",
        }
    }
}
