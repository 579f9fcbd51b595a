//! The list of all hosts, page by page, and actions on hosts that a pattern selects.
//!
//! The hosts of the first shard come first, in the config's order, then those of the second, and so on.

use promemu_core::plan::Shard;
use promemu_run::transport::{Call, Reply};
use serde_json::{Value, json};

use super::gather::{WholeRun, is_unknown_host, json_reply};
use super::lists::extend;
use super::merge::{Answers, of_shard};
use super::scope::with_part;
use crate::error::ApiError;

/// The most hosts of an action that are named.
const ACTED_LISTED_MAX: usize = 100;

impl WholeRun {
    /// A page of all hosts that match: all shards count theirs, then those that have a part of the page list it.
    pub(super) async fn page_of_hosts(&self, call: Call) -> Result<Reply, ApiError> {
        let own = self.own(call.clone()).await;
        if !own.is_success() {
            return Ok(own);
        }
        let part: Value = serde_json::from_slice(&own.body).unwrap_or_default();
        let (offset, limit) = (number(&part["offset"]), number(&part["limit"]));
        let ask =
            |(from, many): (usize, usize)| Call { path: with_part(&call.path, from, many), ..call.clone() };
        let counts = match self.answers(ask((0, 0))).await {
            Ok(counts) => counts,
            Err(error) => return Ok(error),
        };
        let matched: Vec<(Shard, usize)> =
            counts.all().map(|(shard, answer)| (shard, number(&answer["matched"]))).collect();
        let parts = parts(&matched, offset, limit);
        let listed = self.ask_all(parts.into_iter().map(|(shard, part)| (shard, ask(part)))).await;
        let listed = Answers::new(self.shard(), listed);
        let page = json!({
            "total": counts.sum("total"),
            "matched": counts.sum("matched"),
            "offset": offset,
            "limit": limit,
            "hosts": listed.items("hosts").map(of_shard).collect::<Vec<_>>(),
            "shards": counts.shards(),
        });
        Ok(json_reply(200, &page))
    }

    /// Acts on the hosts of all shards that a pattern selects. It is done if one shard does it; those without such hosts have
    /// nothing to do.
    pub(super) async fn acting(&self, call: Call) -> Result<Reply, ApiError> {
        let all = self.shard().all();
        let replies = self.ask_all(all.map(|shard| (shard, call.clone()))).await;
        if !replies.iter().flat_map(|(_, reply)| reply).any(Reply::is_success) {
            let errors: Vec<Reply> = replies.into_iter().filter_map(|(_, reply)| reply).collect();
            // The error of a shard that has such hosts says more.
            let telling = errors.iter().find(|error| !is_unknown_host(error)).or(errors.first());
            return telling.cloned().ok_or(ApiError::TooBusy);
        }
        let refused = replies.iter().filter(|(_, reply)| {
            reply.as_ref().is_some_and(|reply| !reply.is_success() && !is_unknown_host(reply))
        });
        let refused: Vec<u32> = refused.map(|(shard, _)| shard.number()).collect();
        let missing = replies.iter().filter(|(_, reply)| reply.is_none());
        let missing: Vec<u32> = missing.map(|(shard, _)| shard.number()).collect();
        let answers = Answers::new(self.shard(), replies);
        let mut acted = answers.all().next().map(|(_, answer)| answer.clone()).unwrap_or_default();
        for (_, more) in answers.all().skip(1) {
            extend(&mut acted, more, "hosts", ACTED_LISTED_MAX);
        }
        let named = acted["hosts"].as_array().map_or(0, Vec::len);
        let count = number(&answers.sum("count"));
        acted["count"] = json!(count);
        acted["not_listed"] = json!(count.saturating_sub(named));
        for (field, shards) in [("shards_refused", refused), ("shards_missing", missing)] {
            if !shards.is_empty() {
                acted[field] = json!(shards);
            }
        }
        Ok(json_reply(202, &acted))
    }
}

fn number(value: &Value) -> usize {
    value.as_u64().and_then(|number| usize::try_from(number).ok()).unwrap_or_default()
}

/// The part of a page that each shard has: its offset and its length there.
fn parts(matched: &[(Shard, usize)], offset: usize, limit: usize) -> Vec<(Shard, (usize, usize))> {
    let (mut skipped, mut left) = (offset, limit);
    let mut parts = Vec::new();
    for (shard, count) in matched {
        let from = skipped.min(*count);
        let many = left.min(count - from);
        if many > 0 {
            parts.push((*shard, (from, many)));
        }
        skipped -= from;
        left -= many;
    }
    parts
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_goes_on_where_a_shard_ends() {
        let shard: Shard = "1/3".parse().unwrap();
        let matched: Vec<(Shard, usize)> = shard.all().zip([4, 0, 7]).collect();
        let part = |offset, limit| {
            let parts = parts(&matched, offset, limit);
            parts.into_iter().map(|(shard, part)| (shard.number(), part)).collect::<Vec<_>>()
        };
        assert_eq!(part(0, 3), [(1, (0, 3))]);
        assert_eq!(part(3, 3), [(1, (3, 1)), (3, (0, 2))]);
        assert_eq!(part(4, 3), [(3, (0, 3))]);
        assert_eq!(part(9, 50), [(3, (5, 2))]);
        assert_eq!(part(11, 5), []);
    }
}
