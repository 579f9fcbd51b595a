//! The answer of a range query, which is JSON (<https://prometheus.io/docs/prometheus/latest/querying/api/>).
//!
//! Its samples are at the moments of the query, not at those that are stored.

use indexmap::IndexMap;
use serde::Deserialize;

use crate::bounds::{BoundedBucket, histogram_of};
use crate::samples::{ReadSample, ReadSeries, SampleSink, SampleValue};

#[derive(Deserialize)]
struct Answer {
    status: String,
    data: Option<Data>,
    error: Option<String>,
}

#[derive(Deserialize)]
struct Data {
    #[serde(rename = "resultType")]
    kind: String,
    result: Vec<Series>,
}

#[derive(Deserialize)]
struct Series {
    metric: IndexMap<String, String>,
    #[serde(default)]
    values: Vec<(f64, String)>,
    #[serde(default)]
    histograms: Vec<(f64, Histogram)>,
}

#[derive(Deserialize)]
struct Histogram {
    count: String,
    sum: String,
    /// The kind of the bounds, lower and upper bound, and the count.
    #[serde(default)]
    buckets: Vec<(u8, String, String, String)>,
}

/// Reads an answer.
///
/// # Errors
///
/// In words: the query was refused, or the answer is none of a range query.
pub fn read_answer(body: &[u8], sink: &mut dyn SampleSink) -> Result<(), String> {
    let answer: Answer =
        serde_json::from_slice(body).map_err(|error| format!("answer is none of a range query: {error}"))?;
    let data = match (answer.data, answer.error) {
        (Some(data), None) if answer.status == "success" && data.kind == "matrix" => data,
        (_, Some(why)) => return Err(format!("the query is refused: {why}")),
        _ => return Err("answer is none of a range query".to_owned()),
    };
    for series in data.result {
        let labels = ReadSeries::of_labels(series.metric);
        for (at, text) in series.values {
            sink.sample(&labels, ReadSample::float(Some(millis(at)), number(&text)?));
        }
        for (at, histogram) in series.histograms {
            let buckets = histogram.buckets.iter().map(|(_, lower, upper, count)| {
                Ok(BoundedBucket { lower: number(lower)?, upper: number(upper)?, count: number(count)? })
            });
            let buckets = buckets.collect::<Result<Vec<_>, String>>()?;
            let histogram = histogram_of(number(&histogram.count)?, number(&histogram.sum)?, &buckets)?;
            let value = SampleValue::Histogram(Box::new(histogram));
            sink.sample(&labels, ReadSample { at: Some(millis(at)), value });
        }
    }
    Ok(())
}

fn number(text: &str) -> Result<f64, String> {
    text.parse().map_err(|_| format!("answer has {text:?} in the place of a number"))
}

#[expect(clippy::cast_possible_truncation, reason = "the cast saturates")]
fn millis(secs: f64) -> i64 {
    (secs * 1000.0).round() as i64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn floats_and_histograms_are_read() {
        let body = br#"{"status":"success","data":{"resultType":"matrix","result":[
            {"metric":{"__name__":"m","job":"a"},"values":[[1700000000.25,"1.5"],[1700000001,"+Inf"]]},
            {"metric":{"__name__":"h"},"histograms":[[5,{"count":"3","sum":"4","buckets":[[0,"1","2","3"]]}]]}]}}"#;
        let mut seen = Vec::new();
        read_answer(body, &mut seen).unwrap();
        assert_eq!(seen[0].1, ReadSample::float(Some(1_700_000_000_250), 1.5));
        assert_eq!(seen[1].1, ReadSample::float(Some(1_700_000_001_000), f64::INFINITY));
        let SampleValue::Histogram(histogram) = &seen[2].1.value else { panic!("it is one") };
        assert_eq!((histogram.schema, &histogram.positive[..]), (0, &[(1, 3.0)][..]));
    }

    #[test]
    fn a_refused_query_is_told() {
        let told = |body: &str| read_answer(body.as_bytes(), &mut Vec::new()).unwrap_err();
        assert_eq!(told(r#"{"status":"error","error":"too many"}"#), "the query is refused: too many");
        assert_eq!(told(r#"{"status":"success"}"#), "answer is none of a range query");
        assert!(told("<html>").starts_with("answer is none of a range query: expected value"));
    }
}
