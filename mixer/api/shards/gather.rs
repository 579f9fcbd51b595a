//! Questions to shards, and their answers.

use std::sync::Arc;

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::http::{Method, Request, Uri, header};
use futures_util::StreamExt;
use futures_util::stream;
use promemu_core::plan::Shard;
use promemu_run::transport::{Call, Reply, ShardCalls};
use serde_json::{Value, json};
use tower_service::Service;

use super::merge::{Answers, Merge};
use super::scope::Scope;
use crate::error::ApiError;

/// The most shards that are asked at the same time.
const ASKED_AT_ONCE: usize = 64;
/// A larger answer of this shard is none.
const ANSWER_BYTES_MAX: usize = 64 << 20;

/// The run, of which this process has one shard.
#[derive(Debug)]
pub(crate) struct WholeRun {
    calls: ShardCalls,
    /// The routes of this shard.
    routes: Router,
    /// The address of this shard's page, where others can reach it.
    page: Option<String>,
}

impl WholeRun {
    pub(crate) const fn new(calls: ShardCalls, routes: Router, page: Option<String>) -> Self {
        Self { calls, routes, page }
    }

    /// Answers the calls of other shards, until it is dropped.
    pub(crate) async fn serve(self: Arc<Self>) {
        let calls = self.calls.clone();
        calls
            .serve(move |call| {
                let whole = Arc::clone(&self);
                async move { if is_for_shards(&call) { whole.own(call).await } else { not_found() } }
            })
            .await;
    }

    /// The shard of this process.
    pub(super) fn shard(&self) -> Shard {
        self.calls.shard()
    }

    /// The other shards.
    pub(super) fn others(&self) -> impl Iterator<Item = Shard> + use<> {
        let own = self.shard();
        own.all().filter(move |shard| *shard != own)
    }

    /// The answer of this shard.
    pub(super) async fn own(&self, call: Call) -> Reply {
        let request = Request::builder().method(call.method.as_str()).uri(&call.path);
        let request = request.header(header::CONTENT_TYPE, "application/json").body(Body::from(call.body));
        let failed = || Reply { status: 500, page: None, body: Vec::new() };
        let Ok(request) = request else { return failed() };
        let Ok(response) = self.routes.clone().call(request).await;
        let status = response.status().as_u16();
        let Ok(body) = to_bytes(response.into_body(), ANSWER_BYTES_MAX).await else { return failed() };
        Reply { status, page: self.page.clone(), body: body.to_vec() }
    }

    /// The answer of a shard; `None` if it is missing.
    pub(super) async fn ask(&self, shard: Shard, call: Call) -> Option<Reply> {
        if shard == self.shard() { Some(self.own(call).await) } else { self.calls.ask(shard, call).await }
    }

    /// The answers of these shards to one question each, in their order.
    pub(super) async fn ask_all(
        &self,
        questions: impl IntoIterator<Item = (Shard, Call)>,
    ) -> Vec<(Shard, Option<Reply>)> {
        // Boxed, as the compiler cannot see that the borrows of a closure's future are as long as it.
        let asked = questions
            .into_iter()
            .map(|(shard, call)| Box::pin(async move { (shard, self.ask(shard, call).await) }));
        stream::iter(asked.collect::<Vec<_>>()).buffered(ASKED_AT_ONCE).collect().await
    }

    /// The answers of all shards to one question. An error of this shard is the answer: the others have none that is better.
    pub(super) async fn answers(&self, call: Call) -> Result<Answers, Reply> {
        let own = self.own(call.clone()).await;
        if !own.is_success() {
            return Err(own);
        }
        let mut replies = self.ask_all(self.others().map(|shard| (shard, call.clone()))).await;
        let at = replies.partition_point(|(shard, _)| shard.number() < self.shard().number());
        replies.insert(at, (self.shard(), Some(own)));
        Ok(Answers::new(self.shard(), replies))
    }

    /// The merged answers of all shards.
    pub(super) async fn merged(&self, call: Call, merge: Merge) -> Result<Reply, ApiError> {
        Ok(match self.answers(call).await {
            Ok(answers) => json_reply(200, &merge(&answers)),
            Err(own) => own,
        })
    }

    /// The answer of the shard that has a host. Most hosts are where their names say; those that were added are with their
    /// templates.
    pub(super) async fn at_host(&self, name: &str, call: Call) -> Result<Reply, ApiError> {
        let own = self.shard();
        let home = own.all().find(|shard| shard.has(name)).unwrap_or(own);
        let first = self.ask(home, call.clone()).await;
        if let Some(reply) = first.as_ref().filter(|reply| !is_unknown_host(reply)) {
            return Ok(of_shard(reply.clone(), home));
        }
        let rest = own.all().filter(|shard| *shard != home).map(|shard| (shard, call.clone()));
        let mut replies = self.ask_all(rest).await;
        replies.push((home, first));
        host_reply(name, replies)
    }
}

/// The reply of the shard that has a host: its success before an error. A shard that gave none may have the host that no other has.
fn host_reply(name: &str, mut replies: Vec<(Shard, Option<Reply>)>) -> Result<Reply, ApiError> {
    let rank = |(_, reply): &(Shard, Option<Reply>)| match reply {
        Some(reply) if reply.is_success() => 0,
        Some(reply) if !is_unknown_host(reply) => 1,
        None => 2,
        Some(_) => 3,
    };
    replies.sort_by_key(rank);
    match replies.into_iter().next() {
        Some((shard, Some(reply))) => Ok(of_shard(reply, shard)),
        Some((shard, None)) => {
            Err(ApiError::ShardMissing { host: name.to_owned(), shard: shard.to_string() })
        }
        None => Ok(not_found()),
    }
}

/// `true` for a call that a shard asks of others. All else, as runs of clients and files, is none of the bus' business.
fn is_for_shards(call: &Call) -> bool {
    let parsed = Method::from_bytes(call.method.as_bytes()).ok().zip(call.path.parse::<Uri>().ok());
    parsed.is_some_and(|(method, uri)| !matches!(Scope::of(&method, &uri), Scope::Own))
}

const fn not_found() -> Reply {
    Reply { status: 404, page: None, body: Vec::new() }
}

/// `true` for an answer that says that there is no such host.
pub(super) fn is_unknown_host(reply: &Reply) -> bool {
    reply.status == 404
        && serde_json::from_slice::<Value>(&reply.body)
            .is_ok_and(|answer| answer["error"]["code"] == "unknown_host")
}

/// An answer about a host, with the number of its shard.
fn of_shard(reply: Reply, shard: Shard) -> Reply {
    match serde_json::from_slice::<Value>(&reply.body) {
        Ok(mut answer) if answer["job"].is_string() => {
            answer["shard"] = json!(shard.number());
            Reply { page: reply.page, ..json_reply(reply.status, &answer) }
        }
        _ => reply,
    }
}

pub(super) fn json_reply(status: u16, answer: &Value) -> Reply {
    Reply { status, page: None, body: answer.to_string().into_bytes() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_host_is_answered_for_by_the_shard_that_has_it_and_unknown_only_where_all_say_so() {
        let shard = |number| format!("{number}/3").parse::<Shard>().unwrap();
        let unknown =
            || Reply { status: 404, page: None, body: br#"{"error":{"code":"unknown_host"}}"#.to_vec() };
        let status = |status| Reply { status, page: None, body: Vec::new() };
        let answered = |replies: [Option<Reply>; 3]| {
            host_reply("a", (1..).map(shard).zip(replies).collect()).map(|reply| reply.status)
        };
        assert_eq!(answered([Some(status(413)), Some(status(200)), None]).ok(), Some(200));
        assert_eq!(answered([Some(unknown()), Some(status(409)), None]).ok(), Some(409));
        assert!(
            matches!(answered([Some(unknown()), None, Some(unknown())]), Err(ApiError::ShardMissing { shard, .. }) if shard == "2/3")
        );
        assert_eq!(answered([Some(unknown()), Some(unknown()), Some(unknown())]).ok(), Some(404));
    }

    #[test]
    fn the_bus_reaches_the_hosts_of_the_run_and_nothing_else() {
        let is_taken = |method: &str, path: &str| {
            is_for_shards(&Call { method: method.to_owned(), path: path.to_owned(), body: Vec::new() })
        };
        for (method, path) in
            [("GET", "/api/v1/status"), ("POST", "/api/v1/actions"), ("DELETE", "/api/v1/hosts/a")]
        {
            assert!(is_taken(method, path), "{method} {path}");
        }
        for (method, path) in [
            ("POST", "/api/v1/runs"),
            ("GET", "/api/v1/recordings"),
            ("GET", "/api/v1/hosts?run=second"),
            ("GET", "/api/v1/hosts?r%75n=second"),
            ("POST", "/api/v1/actions?run=main&run=second"),
            ("GET", "not a path"),
            ("", "/api/v1/status"),
        ] {
            assert!(!is_taken(method, path), "{method} {path}");
        }
    }
}
