//! Alerts of an Alertmanager (API v2) as actions. It has only those that are on, so an action ends when its alert is not
//! there any more.

use indexmap::IndexMap;
use promemu_core::error::Error;
use promemu_core::time::Time;
use promemu_run::http::HttpClient;
use promemu_wire::recording::Action;
use serde::Deserialize;

use super::action::{ask, millis};
use crate::settings::server;

/// Begin of the names of these actions.
const ALERT: &str = "alert ";
/// Labels of which the first one that an alert has names its target.
const TARGETS: [&str; 4] = ["instance", "pod", "service", "job"];

#[derive(Deserialize)]
struct Alert {
    #[serde(rename = "startsAt")]
    starts_at: String,
    labels: IndexMap<String, String>,
}

/// The alerts that are on, as actions without an end.
pub(super) async fn fetch(text: &str) -> Result<Vec<Action>, Error> {
    let (url, http) = server("--from-alertmanager", text, "http://127.0.0.1:9093")?;
    let client = HttpClient::new(&url, &http)?;
    let body = ask(&client, &url, "api/v2/alerts", &[]).await?;
    of_answer(&body).map_err(|why| {
        Error::Run(format!("{url}: it answers no alerts of an Alertmanager: {why}; check the address"))
    })
}

fn of_answer(body: &[u8]) -> Result<Vec<Action>, String> {
    let alerts: Vec<Alert> = serde_json::from_slice(body).map_err(|error| error.to_string())?;
    let mut actions = Vec::new();
    for Alert { starts_at, labels } in alerts {
        let at_ms = millis(Time::parse(&starts_at)?);
        let name = format!("{ALERT}{}", labels.get("alertname").map_or("", String::as_str));
        let target = TARGETS.iter().find_map(|label| labels.get(*label)).cloned().unwrap_or_default();
        let action = Action { at_ms, name, target, value: None, until_ms: None };
        if !actions.contains(&action) {
            actions.push(action);
        }
    }
    Ok(actions)
}

/// Adds alerts to the actions of a recording, and ends those that are not on any more.
pub(super) fn note(alerts: &[Action], actions: &mut Vec<Action>, now_ms: i64) {
    let is_same = |a: &Action, b: &Action| (a.at_ms, &a.name, &a.target) == (b.at_ms, &b.name, &b.target);
    for action in actions.iter_mut().filter(|action| action.name.starts_with(ALERT)) {
        if alerts.iter().any(|alert| is_same(alert, action)) {
            // One that was not there for a while was only unknown.
            action.until_ms = None;
        } else if action.until_ms.is_none() {
            action.until_ms = Some(now_ms);
        }
    }
    let is_new = |alert: &&Action| !actions.iter().any(|action| is_same(alert, action));
    let new: Vec<Action> = alerts.iter().filter(is_new).cloned().collect();
    actions.extend(new);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn alerts_are_actions_until_they_are_gone() {
        let body = br#"[
            {"startsAt": "2026-01-05T12:00:00.250Z", "endsAt": "2026-01-05T12:04:00Z", "fingerprint": "a", "labels": {"alertname": "Slow", "job": "shop", "instance": "a:1"}},
            {"startsAt": "2026-01-05T13:00:01+01:00", "labels": {"alertname": "Down", "job": "shop"}}
        ]"#;
        let alerts = of_answer(body).unwrap();
        let begin_ms = 1_767_614_400_000;
        let shown: Vec<_> =
            alerts.iter().map(|own| (own.at_ms - begin_ms, &*own.name, &*own.target, own.until_ms)).collect();
        assert_eq!(shown, [(250, "alert Slow", "a:1", None), (1_000, "alert Down", "shop", None)]);
        let by_hand =
            Action { at_ms: 1, name: "scale".to_owned(), target: String::new(), value: None, until_ms: None };
        let mut actions = vec![by_hand.clone()];
        note(&alerts, &mut actions, 5);
        note(&alerts, &mut actions, 6);
        assert_eq!(actions, [&[by_hand], &alerts[..]].concat());
        note(&alerts[..1], &mut actions, 7);
        note(&alerts[..1], &mut actions, 8);
        let ends = |actions: &[Action]| actions.iter().map(|action| action.until_ms).collect::<Vec<_>>();
        assert_eq!(ends(&actions), [None, None, Some(7)]);
        note(&alerts, &mut actions, 9);
        assert_eq!(ends(&actions), [None; 3]);
        assert!(of_answer(b"{}").is_err());
    }
}
