//! Pages as parsers read them that share nothing with the encoders.

use promemu_core::series::{LabelBlock, SeriesStore};
use promemu_wire::exposition::{Format, Group, encode};
use prost::Message;

#[derive(Message)]
pub(crate) struct MetricFamily {
    #[prost(string, tag = "1")]
    pub(crate) name: String,
    #[prost(string, tag = "2")]
    pub(crate) help: String,
    #[prost(message, repeated, tag = "4")]
    pub(crate) metric: Vec<Metric>,
}

#[derive(Message)]
pub(crate) struct Metric {
    #[prost(message, repeated, tag = "1")]
    pub(crate) label: Vec<LabelPair>,
    #[prost(message, optional, tag = "2")]
    pub(crate) gauge: Option<Gauge>,
}

#[derive(Message)]
pub(crate) struct LabelPair {
    #[prost(string, tag = "1")]
    pub(crate) name: String,
    #[prost(string, tag = "2")]
    pub(crate) value: String,
}

#[derive(Message)]
pub(crate) struct Gauge {
    #[prost(double, tag = "1")]
    pub(crate) value: f64,
}

/// A page of these stores.
pub(crate) fn encoded(format: Format, stores: &[SeriesStore], labels: &LabelBlock) -> Vec<u8> {
    let groups: Vec<Group<'_>> = stores.iter().map(|store| Group { store, labels }).collect();
    let mut body = Vec::new();
    encode(format, &groups, &mut body);
    body
}

/// A line of a page.
pub(crate) struct Sample<'a> {
    pub(crate) name: &'a str,
    pub(crate) labels: Vec<(String, String)>,
    pub(crate) value: f64,
}

/// A line of a page of series with labels.
pub(crate) fn sample(line: &str) -> Sample<'_> {
    let (name, mut rest) = line.split_once('{').expect("a sample has labels");
    let mut labels = Vec::new();
    loop {
        let (label, after) = rest.split_once("=\"").expect("a label has a value");
        let (mut value, mut chars) = (String::new(), after.char_indices());
        let end = loop {
            match chars.next().expect("a value has an end") {
                (at, '"') => break at + 1,
                (_, '\\') => value.push(match chars.next().expect("an escape has two characters").1 {
                    'n' => '\n',
                    escaped => escaped,
                }),
                (_, other) => value.push(other),
            }
        };
        labels.push((label.to_owned(), value));
        rest = &after[end..];
        if let Some(shown) = rest.strip_prefix("} ") {
            let value = shown.split(' ').next().expect("a line has a number");
            return Sample { name, labels, value: value.parse().expect("a sample has a number") };
        }
        rest = rest.strip_prefix(',').expect("labels are divided by commas");
    }
}
