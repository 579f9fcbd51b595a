//! The group of a run's claims on the gateway: there from before the run lists the groups until its jobs are there.
//!
//! Whatever ends the run, the group goes. An exchange that puts it is never dropped half-way, since it could arrive after
//! the deletion.

use std::sync::Arc;
use std::time::Duration;

use reqwest::StatusCode;
use tokio::task::JoinHandle;
use tokio::time::timeout;

use super::claims::job_of_claims;
use super::client::PushgatewayClient;
use super::run_info::RunInfo;
use crate::http::PushError;
use crate::outputs::leftovers::Leftovers;
use promemu_wire::exposition::Format;

/// Longest wait for an exchange under way when the run ends.
const PUT_PATIENCE: Duration = Duration::from_secs(3);

/// The group. Dropped before the run's [end](Self::end), it is deleted by the run's clean-up.
#[derive(Debug)]
pub(super) struct ClaimGroup {
    client: Arc<PushgatewayClient>,
    run: RunInfo,
    leftovers: Arc<Leftovers>,
    /// The exchange under way that puts it.
    put: Option<JoinHandle<Result<StatusCode, PushError>>>,
    may_be_there: bool,
    /// `true` once a put had no answer. It may still arrive.
    may_arrive: bool,
}

impl ClaimGroup {
    /// A run without claims.
    pub(super) fn new(client: Arc<PushgatewayClient>, run: RunInfo, leftovers: Arc<Leftovers>) -> Self {
        Self { client, run, leftovers, put: None, may_be_there: false, may_arrive: false }
    }

    /// `true` if the group may be on the gateway.
    pub(super) const fn may_be_there(&self) -> bool {
        self.may_be_there
    }

    /// Puts the group, after the exchange that was under way; returns the gateway's status.
    pub(super) async fn put(&mut self, format: Format, body: Vec<u8>) -> Result<StatusCode, PushError> {
        let _earlier = self.put_is_over().await;
        let (client, job) = (Arc::clone(&self.client), job_of_claims(&self.run));
        self.may_be_there = true;
        self.put = Some(tokio::spawn(async move { client.put(&job, format, body).await }));
        self.put_is_over().await.unwrap_or_else(|| Err(PushError::Internal("no exchange".to_owned())))
    }

    /// Waits for the exchange under way, if there is one.
    async fn put_is_over(&mut self) -> Option<Result<StatusCode, PushError>> {
        let outcome = self.put.as_mut()?.await;
        self.put = None;
        let outcome = outcome.unwrap_or_else(|bug| Err(PushError::Internal(bug.to_string())));
        self.may_arrive |= may_arrive(&outcome);
        Some(outcome)
    }

    /// Deletes the group. One that stays is old soon, and then says nothing any more.
    pub(super) async fn delete(&mut self) {
        if self.may_be_there {
            self.may_be_there = self.client.delete(&job_of_claims(&self.run)).await.is_err();
        }
    }

    /// The end of the run: the group to delete, if it may be there or still arrive, and `true` if it may arrive after that.
    pub(super) async fn end(&mut self) -> (Option<String>, bool) {
        let _is_cut_off = timeout(PUT_PATIENCE, self.put_is_over()).await.is_err();
        self.take()
    }

    fn take(&mut self) -> (Option<String>, bool) {
        let may_arrive = self.may_arrive || self.put.take().is_some();
        let is_left = std::mem::take(&mut self.may_be_there);
        self.may_arrive = false;
        ((is_left || may_arrive).then(|| job_of_claims(&self.run)), is_left && may_arrive)
    }
}

/// `true` if the gateway may take it in later than it was put.
fn may_arrive(outcome: &Result<StatusCode, PushError>) -> bool {
    outcome.as_ref().map_or_else(PushError::is_away, |status| *status == StatusCode::ACCEPTED)
}

/// A run that ends before it has begun would keep others from its jobs.
impl Drop for ClaimGroup {
    fn drop(&mut self) {
        let put = self.put.take();
        self.may_be_there |= put.is_some();
        let (Some(job), mut may_still_arrive) = self.take() else { return };
        self.run.mark_ended();
        let client = Arc::clone(&self.client);
        self.leftovers.clean_up(async move {
            if let Some(put) = put {
                may_still_arrive |= timeout(PUT_PATIENCE, put)
                    .await
                    .map_or(true, |put| put.is_ok_and(|put| may_arrive(&put)));
            }
            let _left = client.delete_all_for_good(vec![job], may_still_arrive).await;
        });
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use axum::Router;
    use axum::routing::put;
    use tokio::net::TcpListener;
    use tokio::sync::Notify;

    use super::super::client::GatewayUrl;
    use super::*;
    use crate::http::HttpOptions;
    use promemu_core::time::Span;

    fn group(port: u16, leftovers: &Arc<Leftovers>) -> ClaimGroup {
        let url = GatewayUrl::parse(&format!("127.0.0.1:{port}")).unwrap();
        let client = PushgatewayClient::new(url, &HttpOptions::default(), Duration::from_secs(5)).unwrap();
        ClaimGroup::new(Arc::new(client), RunInfo::new("c", Span::from_secs(10)), Arc::clone(leftovers))
    }

    #[tokio::test]
    async fn a_group_that_is_dropped_while_it_is_put_is_deleted_after_that() {
        let (seen, begun, goes_on) =
            (Arc::new(Mutex::new(Vec::new())), Arc::new(Notify::new()), Arc::new(Notify::new()));
        let (puts, deletes) = (Arc::clone(&seen), Arc::clone(&seen));
        let (has_begun, may_go_on) = (Arc::clone(&begun), Arc::clone(&goes_on));
        let on_put = || async move {
            has_begun.notify_one();
            may_go_on.notified().await;
            puts.lock().unwrap().push("put");
        };
        let on_delete = || async move { deletes.lock().unwrap().push("deleted") };
        let router = Router::new().route("/metrics/job/{job}", put(on_put).delete(on_delete));
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        tokio::spawn(async move { axum::serve(listener, router).await });
        let leftovers = Arc::default();
        let mut group = group(port, &leftovers);
        tokio::select! {
            outcome = group.put(Format::Text, Vec::new()) => panic!("{outcome:?}"),
            () = begun.notified() => {}
        }
        drop(group);
        goes_on.notify_one();
        leftovers.are_gone().await;
        assert_eq!(*seen.lock().unwrap(), ["put", "deleted"]);
    }

    #[tokio::test]
    async fn a_put_without_an_answer_may_arrive_until_the_end() {
        let mut group = group(1, &Arc::default());
        assert_eq!(group.end().await, (None, false));
        assert!(group.put(Format::Text, Vec::new()).await.is_err());
        assert_eq!(group.end().await, (Some(job_of_claims(&group.run)), true));
        assert_eq!(group.end().await, (None, false), "it is the caller's by now");
    }
}
