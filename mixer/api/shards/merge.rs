//! Answers of several shards, and the status of the run that they are together.

use promemu_core::plan::Shard;
use promemu_run::transport::Reply;
use serde_json::{Map, Value, json};

/// Makes one answer of several.
pub(super) type Merge = fn(&Answers) -> Value;

/// The answers of all shards.
#[derive(Debug)]
pub(super) struct Answers {
    own: Shard,
    /// In the order of the shards; `None` for one that is missing.
    of_shards: Vec<(Shard, Option<Answer>)>,
}

/// The answer of one shard.
#[derive(Debug)]
struct Answer {
    value: Value,
    /// The address of its page.
    page: Option<String>,
}

impl Answers {
    /// An answer that is an error, or no JSON, is none.
    pub(super) fn new(own: Shard, replies: Vec<(Shard, Option<Reply>)>) -> Self {
        let read = |(shard, reply): (Shard, Option<Reply>)| {
            let reply = reply.filter(Reply::is_success);
            let answer = |reply: Reply| {
                Some(Answer { value: serde_json::from_slice(&reply.body).ok()?, page: reply.page })
            };
            (shard, reply.and_then(answer))
        };
        Self { own, of_shards: replies.into_iter().map(read).collect() }
    }

    /// The answer of the shard that was asked.
    pub(super) fn own(&self) -> Value {
        let own = self.all().find(|(shard, _)| *shard == self.own);
        own.map(|(_, answer)| answer.clone()).unwrap_or_default()
    }

    /// The answers that there are, with their shards.
    pub(super) fn all(&self) -> impl Iterator<Item = (Shard, &Value)> + Clone {
        self.of_shards.iter().filter_map(|(shard, answer)| Some((*shard, &answer.as_ref()?.value)))
    }

    /// The items of a list of all answers, with their shards.
    pub(super) fn items(&self, list: &str) -> impl Iterator<Item = (Shard, &Value)> {
        self.all().flat_map(move |(shard, answer)| {
            answer[list].as_array().into_iter().flatten().map(move |item| (shard, item))
        })
    }

    /// The sum of a number of all answers.
    pub(super) fn sum(&self, field: &str) -> Value {
        sum(self.all().map(|(_, answer)| &answer[field]))
    }

    /// The shards as a list for clients.
    pub(super) fn shards(&self) -> Value {
        let view = |(shard, answer): &(Shard, Option<Answer>)| {
            let state = match answer {
                _ if *shard == self.own => "here",
                Some(_) => "answers",
                None => "missing",
            };
            let page = answer.as_ref().and_then(|answer| answer.page.as_ref());
            json!({ "shard": shard.number(), "state": state, "page": page })
        };
        self.of_shards.iter().map(view).collect()
    }
}

/// The sum of numbers: a whole one if all are.
pub(super) fn sum<'a>(numbers: impl Iterator<Item = &'a Value> + Clone) -> Value {
    let whole: Option<u64> = numbers.clone().map(Value::as_u64).sum();
    whole.map_or_else(|| json!(numbers.filter_map(Value::as_f64).sum::<f64>()), |whole| json!(whole))
}

/// Adds the numbers of a map to those of another.
fn add(sums: &mut Map<String, Value>, more: &Value) {
    for (name, number) in more.as_object().into_iter().flatten() {
        let known = sums.entry(name.clone()).or_insert_with(|| json!(0));
        *known = sum([&*known, number].into_iter());
    }
}

/// Numbers of a status that are those of all shards together.
const SUMMED: [&str; 6] =
    ["series", "updates_total", "lateness_seconds_sum", "lateness_count", "events_total", "overrides"];

/// The status of the whole run: time, seed and speed are those of this shard.
pub(super) fn merge_status(answers: &Answers) -> Value {
    let mut status = answers.own();
    for field in SUMMED {
        status[field] = answers.sum(field);
    }
    for field in ["hosts", "counters"] {
        let mut sums = Map::new();
        answers.all().for_each(|(_, answer)| add(&mut sums, &answer[field]));
        status[field] = sums.into();
    }
    status["jobs"] = by_name(answers.items("jobs").map(|(_, job)| job), |known, job| {
        known["hosts"] = sum([&known["hosts"], &job["hosts"]].into_iter());
        if known["families"].as_u64() < job["families"].as_u64() {
            known["families"] = job["families"].clone();
        }
    });
    let not_listed = answers.all().filter_map(|(_, answer)| answer["jobs_not_listed"].as_u64()).max();
    status["jobs_not_listed"] = json!(not_listed);
    status["outputs"] = answers.items("outputs").map(of_shard).collect();
    status["shards"] = answers.shards();
    status
}

/// An item of a list, with the number of its shard.
pub(super) fn of_shard((shard, item): (Shard, &Value)) -> Value {
    let mut item = item.clone();
    item["shard"] = json!(shard.number());
    item
}

/// Items with one name as one, in the order in which they come.
pub(super) fn by_name<'a>(
    items: impl Iterator<Item = &'a Value>,
    join: impl Fn(&mut Value, &'a Value),
) -> Value {
    let mut all: Vec<Value> = Vec::new();
    let mut places = indexmap::IndexMap::new();
    for item in items {
        let name = item["name"].as_str().unwrap_or_default();
        if let Some(place) = places.get(name) {
            join(&mut all[*place], item);
        } else {
            places.insert(name, all.len());
            all.push(item.clone());
        }
    }
    all.into()
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    /// The answers of three shards, of which the second was asked.
    pub(crate) fn answers(of_shards: [Option<Value>; 3]) -> Answers {
        let own: Shard = "2/3".parse().unwrap();
        let reply = |answer: Value| Reply {
            status: 200,
            page: Some("http://one:8000".to_owned()),
            body: answer.to_string().into_bytes(),
        };
        let replies = own.all().zip(of_shards).map(|(shard, answer)| (shard, answer.map(reply)));
        Answers::new(own, replies.collect())
    }

    #[test]
    fn a_status_adds_up_what_shards_count_and_names_those_that_are_missing() {
        let status = |hosts: u64, late: f64| {
            json!({ "seed": hosts, "series": hosts, "lateness_seconds_sum": late, "hosts": { "total": hosts },
                "counters": { "lost": 1 }, "jobs": [{ "name": "j", "hosts": hosts, "families": 2 }], "jobs_not_listed": 0,
                "outputs": [{ "kind": "scrape", "target": hosts }] })
        };
        let merged = merge_status(&answers([Some(status(1, 0.5)), Some(status(2, 1.0)), None]));
        assert_eq!(merged["seed"], 2, "of the one that was asked");
        assert_eq!((&merged["series"], &merged["hosts"]["total"]), (&json!(3), &json!(3)));
        assert_eq!((&merged["lateness_seconds_sum"], &merged["counters"]["lost"]), (&json!(1.5), &json!(2)));
        assert_eq!(merged["jobs"], json!([{ "name": "j", "hosts": 3, "families": 2 }]));
        assert_eq!((&merged["outputs"][0]["shard"], &merged["outputs"][1]["shard"]), (&json!(1), &json!(2)));
        let shards = merged["shards"].as_array().unwrap().iter();
        assert_eq!(
            shards.map(|shard| shard["state"].clone()).collect::<Vec<_>>(),
            ["answers", "here", "missing"]
        );
    }
}
