//! Metadata of families, as a Prometheus has it from its targets.

use std::time::Duration;

use indexmap::IndexMap;
use promemu_wire::samples::FamilyMetadata;
use reqwest::{Method, Url};
use serde::Deserialize;

use crate::http::{HttpClient, Limits};

const LIMITS: Limits =
    Limits { time: Some(Duration::from_secs(30)), silence: Duration::from_secs(30), body_bytes: 64 << 20 };

#[derive(Deserialize)]
struct Answer {
    data: IndexMap<String, Vec<Entry>>,
}

#[derive(Deserialize)]
struct Entry {
    #[serde(rename = "type")]
    kind: String,
    help: String,
    #[serde(default)]
    unit: String,
}

/// The metadata that the Prometheus of this API has; empty if it does not tell, as it is not needed for samples.
pub(super) async fn fetch(http: &HttpClient, api: &Url) -> Vec<(String, FamilyMetadata)> {
    let mut url = api.clone();
    let base = url.path().trim_end_matches("/read").trim_end_matches("/query_range").to_owned();
    url.set_path(&format!("{base}/metadata"));
    let request = http.request(Method::GET, url);
    let Ok(answer) = http.send(request, LIMITS).await else { return Vec::new() };
    if !answer.status().is_success() {
        return Vec::new();
    }
    let Ok(body) = answer.body().await else { return Vec::new() };
    metadata_of(&body).unwrap_or_default()
}

/// Of several entries of a family the first.
fn metadata_of(body: &[u8]) -> Option<Vec<(String, FamilyMetadata)>> {
    let answer: Answer = serde_json::from_slice(body).ok()?;
    let families = answer.data.into_iter().filter_map(|(family, entries)| {
        let Entry { kind, help, unit } = entries.into_iter().next()?;
        Some((family, FamilyMetadata { kind, help, unit }))
    });
    Some(families.collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_gives_one_entry_of_each_family() {
        let body = br#"{"status":"success","data":{"m":[{"type":"gauge","help":"h","unit":""},{"type":"counter","help":""}]}}"#;
        let metadata = FamilyMetadata { kind: "gauge".to_owned(), help: "h".to_owned(), unit: String::new() };
        assert_eq!(metadata_of(body), Some(vec![("m".to_owned(), metadata)]));
        assert_eq!(metadata_of(b"<html>"), None);
    }
}
