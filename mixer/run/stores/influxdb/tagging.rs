//! Tags of rows: all labels of a series, those that a mapping gives, and `fault_type`, the action that was on.

use promemu_wire::line_protocol::put_key;
use promemu_wire::recording::Action;
use promemu_wire::samples::ReadSeries;

/// The tag of actions, and its value without one.
const FAULT: &str = "fault_type";
const NO_FAULT: &str = "none";

/// Makes the measurement and the tags of rows.
#[derive(Debug)]
pub(super) struct Tagging {
    tags: Vec<(String, Vec<String>)>,
    actions: Vec<Action>,
    /// The series that was asked for last, the actions on it, and the name of the one that was on.
    series: Option<ReadSeries>,
    on_series: Vec<usize>,
    fault: String,
    key: Vec<u8>,
}

impl Tagging {
    pub(super) fn new(tags: Vec<(String, Vec<String>)>, actions: Vec<Action>) -> Self {
        let (on_series, fault, key) = (Vec::new(), String::new(), Vec::new());
        Self { tags, actions, series: None, on_series, fault, key }
    }

    /// Measurement and tags of a series at a time. Two series never have the same: each keeps its labels.
    pub(super) fn key_of(&mut self, series: &ReadSeries, at_ms: i64) -> &[u8] {
        let is_same = self.series.as_ref() == Some(series);
        if !is_same {
            let is_on = |action: &Action| {
                action.target.is_empty() || series.labels.iter().any(|(_, value)| *value == action.target)
            };
            let on = self.actions.iter().enumerate().filter(|(_, action)| is_on(action));
            self.on_series = on.map(|(n, _)| n).collect();
            self.series = Some(series.clone());
        }
        let mut on = self.on_series.iter().map(|n| &self.actions[*n]);
        let is_on_now =
            |action: &&Action| action.at_ms <= at_ms && action.until_ms.is_none_or(|until| at_ms < until);
        let fault = on.find(is_on_now).map_or(NO_FAULT, |action| &action.name);
        if !is_same || fault != self.fault {
            fault.clone_into(&mut self.fault);
            self.key.clear();
            let own = |name: &str| series.label(name).filter(|value| !value.is_empty());
            let mapped = self.tags.iter().filter(|(name, _)| name != FAULT && own(name).is_none());
            let mapped = mapped
                .filter_map(|(name, labels)| Some((&**name, labels.iter().find_map(|label| own(label))?)));
            let labels = series.labels.iter().map(|(name, value)| (&**name, &**value));
            let fault = own(FAULT).is_none().then_some((FAULT, &*self.fault));
            put_key(&series.metric, labels.chain(mapped).chain(fault), &mut self.key);
        }
        &self.key
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn series(labels: &[(&str, &str)]) -> ReadSeries {
        ReadSeries::of_labels(labels.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())))
    }

    #[test]
    fn tags_are_labels_mapped_ones_and_the_action_that_is_on() {
        let tags = vec![
            ("service".to_owned(), vec!["service".to_owned(), "job".to_owned()]),
            ("environment".to_owned(), vec!["env".to_owned()]),
        ];
        let action = |at_ms, target: &str, until_ms| Action {
            at_ms,
            name: "latency".to_owned(),
            target: target.to_owned(),
            value: None,
            until_ms,
        };
        let mut tagging = Tagging::new(tags, vec![action(10, "shop", Some(20)), action(30, "db", None)]);
        let text = |key: &[u8]| String::from_utf8(key.to_vec()).unwrap();
        let shop = series(&[("__name__", "up"), ("job", "shop"), ("env", "test")]);
        assert_eq!(
            text(tagging.key_of(&shop, 10)),
            "up,env=test,environment=test,fault_type=latency,job=shop,service=shop"
        );
        assert!(text(tagging.key_of(&shop, 20)).contains(",fault_type=none,"));
        assert!(text(tagging.key_of(&shop, 99)).contains(",fault_type=none,"));
        let db = series(&[("__name__", "up"), ("job", "db"), ("service", "own")]);
        assert_eq!(text(tagging.key_of(&db, 99)), "up,fault_type=latency,job=db,service=own");
        assert_eq!(text(tagging.key_of(&db, 29)), "up,fault_type=none,job=db,service=own");
    }
}
