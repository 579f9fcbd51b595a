//! The formats that Prometheus scrapes and the Pushgateway accepts.

/// Format of a body.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Format {
    /// `io.prometheus.client.MetricFamily` messages, each preceded by its length.
    #[default]
    Protobuf,
    /// The text format, version 0.0.4.
    Text,
    /// OpenMetrics 1.0 as text.
    OpenMetrics,
}

impl Format {
    /// The media type, as `Content-Type` has it.
    #[must_use]
    pub const fn content_type(self) -> &'static str {
        match self {
            Self::Protobuf => {
                "application/vnd.google.protobuf; proto=io.prometheus.client.MetricFamily; encoding=delimited"
            }
            Self::Text => "text/plain; version=0.0.4; charset=utf-8",
            Self::OpenMetrics => "application/openmetrics-text; version=1.0.0; charset=utf-8",
        }
    }
}
