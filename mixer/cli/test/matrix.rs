//! The answers of a Prometheus that have several samples for each series.

use std::collections::BTreeMap;
use std::fmt;

use serde::Deserialize;
use serde::de::{Deserializer, Error, IgnoredAny, SeqAccess, Visitor};

/// The answer to a range query.
#[derive(Deserialize)]
pub(super) struct Matrix {
    pub(super) result: Vec<MatrixSeries>,
}

#[derive(Deserialize)]
pub(super) struct MatrixSeries {
    pub(super) metric: BTreeMap<String, String>,
    #[serde(default)]
    pub(super) values: Vec<Sample>,
    #[serde(default)]
    pub(super) histograms: Vec<(f64, IgnoredAny)>,
}

/// A sample, as `[1767576600.5, "0.25"]`.
#[derive(Clone, Copy)]
pub(super) struct Sample {
    /// Its time, in seconds since the Unix epoch.
    pub(super) secs: f64,
    pub(super) value: f64,
}

/// A number in a string.
struct Quoted(f64);

impl<'de> Deserialize<'de> for Sample {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct OfSample;
        impl<'de> Visitor<'de> for OfSample {
            type Value = Sample;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a time and a value")
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut sample: A) -> Result<Sample, A::Error> {
                match (sample.next_element()?, sample.next_element()?) {
                    (Some(secs), Some(Quoted(value))) => Ok(Sample { secs, value }),
                    _ => Err(A::Error::custom("sample without a time or a value")),
                }
            }
        }
        deserializer.deserialize_tuple(2, OfSample)
    }
}

impl<'de> Deserialize<'de> for Quoted {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct OfText;
        impl Visitor<'_> for OfText {
            type Value = Quoted;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a number in quotes")
            }

            fn visit_str<E: Error>(self, text: &str) -> Result<Quoted, E> {
                text.parse().map(Quoted).map_err(E::custom)
            }
        }
        deserializer.deserialize_str(OfText)
    }
}
