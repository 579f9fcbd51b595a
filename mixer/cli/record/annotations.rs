//! Annotations of a Grafana (<https://grafana.com/docs/grafana/latest/developers/http_api/annotations/>) as actions.

use promemu_core::error::Error;
use promemu_core::time::Span;
use promemu_run::clock::wall_now;
use promemu_run::http::HttpClient;
use promemu_wire::recording::Action;
use serde::Deserialize;

use super::action::{ask, millis};
use crate::settings::server;

/// Annotations of an answer, and answers, at most.
const ANSWER_MAX: usize = 5_000;
const ANSWERS_MAX: usize = 20;
/// Characters of a name that a text gives, at most.
const NAME_MAX: usize = 100;
/// The time before now that is asked for without samples in the recording.
const LENGTH: Span = Span::from_secs(24 * 3600);
/// Begin of a tag that names a target.
const TARGET: &str = "target:";

#[derive(Deserialize)]
struct Annotation {
    id: i64,
    time: i64,
    #[serde(rename = "timeEnd", default)]
    time_end: i64,
    #[serde(default)]
    text: String,
    #[serde(default)]
    tags: Vec<String>,
    #[serde(rename = "alertName", default)]
    alert_name: String,
}

/// The annotations of a Grafana from a millisecond on.
pub(super) async fn fetch(text: &str, from_ms: Option<i64>) -> Result<Vec<Action>, Error> {
    let (url, http) = server("--from-grafana", text, "http://127.0.0.1:3000")?;
    let client = HttpClient::new(&url, &http)?;
    let now = wall_now();
    let from_ms = from_ms.unwrap_or_else(|| millis(now.before(LENGTH)));
    let mut to_ms = millis(now);
    let mut found: Vec<Annotation> = Vec::new();
    for _ in 0..ANSWERS_MAX {
        let parameters =
            [("from", from_ms.to_string()), ("to", to_ms.to_string()), ("limit", ANSWER_MAX.to_string())];
        let body = ask(&client, &url, "api/annotations", &parameters).await?;
        let page: Vec<Annotation> = serde_json::from_slice(&body).map_err(|error| {
            Error::Run(format!("{url}: it answers no annotations of a Grafana: {error}; check the address"))
        })?;
        let (count, oldest) = (page.len(), page.iter().map(|own| own.time).min());
        let known = found.len();
        let is_new = |own: &Annotation| !found.iter().any(|other| other.id == own.id);
        let new: Vec<Annotation> = page.into_iter().filter(is_new).collect();
        found.extend(new);
        match oldest {
            // The newest come first, so what is left is older.
            Some(oldest) if count >= ANSWER_MAX && found.len() > known => to_ms = oldest,
            _ => return Ok(found.into_iter().map(action).collect()),
        }
    }
    Err(Error::Run(format!(
        "{url}: it has more than {} annotations in the time of the recording; delete those that are none of it",
        ANSWER_MAX * ANSWERS_MAX
    )))
}

/// The name is that of the alert, the first tag, or the beginning of the text.
fn action(annotation: Annotation) -> Action {
    let Annotation { time, time_end, text, tags, alert_name, .. } = annotation;
    let target = tags.iter().find_map(|tag| tag.strip_prefix(TARGET)).unwrap_or_default();
    let tag = tags.iter().find(|tag| !tag.contains(':') && !tag.is_empty());
    let first = text.lines().map(str::trim).find(|line| !line.is_empty()).unwrap_or("annotation");
    let name = match (alert_name.is_empty(), tag) {
        (false, _) => alert_name,
        (true, Some(tag)) => tag.clone(),
        (true, None) => first.chars().take(NAME_MAX).collect(),
    };
    Action {
        at_ms: time,
        name,
        target: target.trim().to_owned(),
        value: None,
        until_ms: Some(time_end).filter(|end| *end > time),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_annotation_is_an_action_named_by_its_alert_a_tag_or_its_text() {
        let body = r#"[
            {"id": 3, "time": 30, "timeEnd": 40, "text": "v2 is out", "tags": ["team:a", "deploy", "target: shop"]},
            {"id": 2, "time": 20, "timeEnd": 20, "text": "\n someone looked\nat it", "tags": []},
            {"id": 1, "time": 10, "alertName": "Slow", "alertId": 4, "newState": "alerting"}
        ]"#;
        let annotations: Vec<Annotation> = serde_json::from_str(body).unwrap();
        let actions: Vec<Action> = annotations.into_iter().map(action).collect();
        let shown: Vec<_> =
            actions.iter().map(|own| (own.at_ms, &*own.name, &*own.target, own.until_ms)).collect();
        assert_eq!(
            shown,
            [(30, "deploy", "shop", Some(40)), (20, "someone looked", "", None), (10, "Slow", "", None)]
        );
    }
}
