//! Where the jobs go, and the loops that bring them there. Each output has a task of its own and shares nothing
//! with the others but the jobs, so none slows another.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;
use tokio::task::JoinSet;

use crate::clock::Clock;
use crate::clock::sleep_until;
use crate::fleet::Fleet;
use crate::outputs::OutputSettings;
use crate::outputs::file::FileSink;
use crate::outputs::health::Health;
use crate::outputs::pushgateway::{GatewaySettings, PushgatewayClient, PushgatewayOutput, RunInfo};
use crate::outputs::scrape::{Publisher, ScrapeSink};
use crate::outputs::self_page::SELF_PATH;
use crate::outputs::stream::StreamSink;
use crate::self_metrics::SelfMetrics;
use crate::settings::RunSettings;
use crate::status::OutputStatus;
use promemu_core::error::Error;
use promemu_core::event::METRICS_PUSHED;
use promemu_core::host::START_SPREAD;
use promemu_core::series::Job;
use promemu_core::time::{Span, Time};

/// How long a push that is under way at the end may take before it is dropped.
const LAST_PUSH: Duration = Duration::from_secs(3);

/// So long after the last host has begun, its first report is in.
const FIRST_REPORT: Span = Span::from_nanos(200_000_000);

/// So long the first contact of one output may hold up a run that has others.
const FIRST_CONTACT: Duration = Duration::from_secs(5);

/// All outputs of a run.
#[derive(Debug)]
pub(crate) struct Outputs(Vec<Output>);

/// What is known of the outputs while they are at work.
#[derive(Debug, Default)]
pub(crate) struct Healths(Vec<(OutputSettings, Arc<Health>)>);

/// Where the jobs go.
#[derive(Debug)]
struct Output {
    settings: OutputSettings,
    sink: Sink,
}

#[derive(Debug)]
enum Sink {
    Served(ScrapeSink),
    Pushed(Pusher),
}

/// A sink that is asked to send, again and again.
#[derive(Debug)]
enum Pusher {
    Pushgateway(Box<PushgatewayOutput>),
    Stream(Box<StreamSink>),
    File(FileSink),
}

impl Outputs {
    /// Takes the addresses to serve at, and looks at the gateways.
    pub(crate) async fn open(
        fleet: &Fleet,
        settings: &RunSettings,
        own: &Arc<SelfMetrics>,
    ) -> Result<Self, Error> {
        let mut all = Vec::new();
        for output in &settings.outputs {
            let sink = match output {
                OutputSettings::Scrape(scrape) => Sink::Served(
                    ScrapeSink::bind(scrape, fleet.jobs(), Arc::clone(own), &output.name()).await?,
                ),
                OutputSettings::Pushgateway(gateway) => {
                    let sink = gateway_sink(fleet, gateway, own, &output.name())?;
                    Sink::Pushed(Pusher::Pushgateway(Box::new(sink)))
                }
                OutputSettings::RemoteWrite(remote) => {
                    let (name, clock) = (output.name(), *fleet.clock());
                    let tally = own.delivery(&name);
                    let sink = StreamSink::remote_write(remote, fleet.jobs(), clock, tally, &name)?;
                    Sink::Pushed(Pusher::Stream(Box::new(sink)))
                }
                OutputSettings::Otlp(otlp) => {
                    let (name, clock) = (output.name(), *fleet.clock());
                    let sink = StreamSink::otlp(otlp, fleet.jobs(), clock, own.delivery(&name), &name)?;
                    Sink::Pushed(Pusher::Stream(Box::new(sink)))
                }
                OutputSettings::File(file) => {
                    let (file, clock) = (file.clone(), fleet.clock().real());
                    let sink = FileSink::open(file, fleet.jobs(), clock, own, &output.name())?;
                    Sink::Pushed(Pusher::File(sink))
                }
            };
            all.push(Output { settings: output.clone(), sink });
        }
        // Before all is known to be there nothing is sent.
        let patience = if all.len() > 1 { FIRST_CONTACT } else { Duration::MAX };
        for output in &mut all {
            if let Sink::Pushed(pusher) = &mut output.sink {
                pusher.start(patience).await?;
            }
        }
        Ok(Self(all))
    }

    pub(crate) fn healths(&self) -> Healths {
        let health = |output: &Output| (output.settings.clone(), Arc::clone(output.sink.health()));
        Healths(self.0.iter().map(health).collect())
    }

    /// Where the jobs can be scraped, if they are served.
    pub(crate) fn scrape_address(&self) -> Option<SocketAddr> {
        self.0.iter().find_map(|output| output.sink.scrape_address())
    }

    /// For each output, where the jobs go.
    pub(crate) fn told(&self, interval: Span) -> Vec<String> {
        self.0.iter().map(|output| output.told(interval)).collect()
    }

    /// Starts the task of each output. It gives what it ended with; only the first one tells the hosts of its
    /// pushes, so that they hear of each round once.
    pub(crate) fn spawn(
        self,
        fleets: &watch::Receiver<Arc<Fleet>>,
        interval: Span,
        stopped: &watch::Receiver<bool>,
    ) -> JoinSet<Result<(), Error>> {
        let mut tasks = JoinSet::new();
        for (index, output) in self.0.into_iter().enumerate() {
            let rounds = Rounds {
                fleets: fleets.clone(),
                interval,
                stopped: stopped.clone(),
                tells_hosts: index == 0,
            };
            tasks.spawn(output.sink.drive(rounds));
        }
        tasks
    }
}

fn gateway_sink(
    fleet: &Fleet,
    gateway: &GatewaySettings,
    own: &Arc<SelfMetrics>,
    name: &str,
) -> Result<PushgatewayOutput, Error> {
    let client = PushgatewayClient::new(gateway.url.clone(), &gateway.http, gateway.timeout)?;
    let owner = RunInfo::new(&fleet.plan().config, gateway.push.interval);
    let (push, clock) = (gateway.push.clone(), fleet.clock().real());
    Ok(PushgatewayOutput::new(client, fleet.jobs(), owner, push, clock, own, name))
}

impl Healths {
    /// The same, each with the name by which its numbers are counted.
    pub(crate) fn named(&self, at: Time) -> Vec<(String, OutputStatus)> {
        self.0.iter().map(|(settings, _)| settings.name()).zip(self.statuses(at)).collect()
    }

    /// How each output fares at this time.
    pub(crate) fn statuses(&self, at: Time) -> Vec<OutputStatus> {
        let status = |(settings, health): &(OutputSettings, Arc<Health>)| OutputStatus {
            kind: settings.kind(),
            target: settings.target(),
            health: health.status(at),
        };
        self.0.iter().map(status).collect()
    }
}

impl Output {
    fn told(&self, interval: Span) -> String {
        match &self.sink {
            Sink::Served(sink) => {
                let url = sink.url();
                format!("the metrics are at {url}/metrics, promemu's own at {url}{SELF_PATH}")
            }
            Sink::Pushed(pusher) => {
                let verb = if matches!(pusher, Pusher::File(_)) { "writing" } else { "pushing" };
                format!("{verb} to {} every {interval}", self.settings.target())
            }
        }
    }
}

impl Sink {
    fn health(&self) -> &Arc<Health> {
        match self {
            Self::Served(sink) => sink.health(),
            Self::Pushed(Pusher::Pushgateway(sink)) => sink.health(),
            Self::Pushed(Pusher::Stream(sink)) => sink.health(),
            Self::Pushed(Pusher::File(sink)) => sink.health(),
        }
    }

    const fn scrape_address(&self) -> Option<SocketAddr> {
        match self {
            Self::Served(sink) => Some(sink.address()),
            Self::Pushed(_) => None,
        }
    }

    /// Pushes, or serves, the newest fleet's jobs until stopped; then ends what is under way and cleans up.
    async fn drive(self, mut rounds: Rounds) -> Result<(), Error> {
        match self {
            Self::Pushed(mut pusher) => {
                rounds.push_until_stopped(&mut pusher).await;
                pusher.finish().await;
                Ok(())
            }
            Self::Served(sink) => {
                let (publisher, serving) = sink.serve();
                tokio::select! {
                    outcome = serving => outcome,
                    () = rounds.publish_until_stopped(&publisher) => Ok(()),
                }
            }
        }
    }
}

impl Pusher {
    /// The first contact, unless it takes too long: then it is left to the rounds.
    async fn start(&mut self, patience: Duration) -> Result<(), Error> {
        match self {
            Self::Pushgateway(sink) => {
                let started = tokio::time::timeout(patience, sink.start()).await;
                started.unwrap_or_else(|_| {
                    sink.start_later();
                    Ok(())
                })
            }
            Self::Stream(_) | Self::File(_) => Ok(()),
        }
    }

    fn replace_jobs(&mut self, jobs: &[Arc<Job>]) {
        match self {
            Self::Pushgateway(sink) => sink.replace_jobs(jobs),
            Self::Stream(sink) => sink.replace_jobs(jobs),
            Self::File(sink) => sink.replace_jobs(jobs),
        }
    }

    /// Says whose the jobs are, where others could take them, too.
    async fn claim(&mut self) {
        if let Self::Pushgateway(sink) = self {
            sink.claim().await;
        }
    }

    /// One round; says whether anything new arrived.
    async fn round(&mut self) -> bool {
        match self {
            Self::Pushgateway(sink) => sink.round().await > 0,
            Self::Stream(sink) => sink.round().await,
            Self::File(sink) => sink.round().await,
        }
    }

    /// When the next round should be at the latest, if the server is away.
    fn retry_at(&self) -> Option<Time> {
        match self {
            Self::Pushgateway(sink) => sink.retry_at(),
            Self::Stream(_) | Self::File(_) => None,
        }
    }

    /// Whether what it sent last is to stay when the run is over.
    fn leaves_last_values(&self) -> bool {
        match self {
            Self::Pushgateway(sink) => !sink.deletes_groups(),
            Self::Stream(_) => false,
            Self::File(_) => true,
        }
    }

    async fn finish(&mut self) {
        match self {
            Self::Pushgateway(sink) => sink.finish().await,
            Self::Stream(sink) => sink.finish().await,
            Self::File(_) => {}
        }
    }
}

/// What paces an output, and what it is to bring out.
struct Rounds {
    fleets: watch::Receiver<Arc<Fleet>>,
    interval: Span,
    stopped: watch::Receiver<bool>,
    tells_hosts: bool,
}

impl Rounds {
    fn tell_hosts(&self) {
        if self.tells_hosts {
            self.fleets.borrow().publish_own(METRICS_PUSHED);
        }
    }

    async fn publish_until_stopped(&mut self, publisher: &Publisher) {
        loop {
            tokio::select! {
                _ = self.stopped.changed() => return,
                Ok(()) = self.fleets.changed() => {
                    publisher.replace_jobs(self.fleets.borrow_and_update().jobs());
                }
                () = tokio::time::sleep(self.interval.duration()) => {
                    if publisher.publish() {
                        self.tell_hosts();
                    }
                }
            }
        }
    }

    async fn push_until_stopped(&mut self, pusher: &mut Pusher) {
        if self.until_stopped(pusher.claim()).await.is_some() {
            self.go_round_until_stopped(pusher).await;
        }
        if pusher.leaves_last_values() {
            if matches!(self.fleets.has_changed(), Ok(true)) {
                pusher.replace_jobs(self.fleets.borrow_and_update().jobs());
            }
            let _cut_off = tokio::time::timeout(LAST_PUSH, pusher.round()).await.is_err();
        }
    }

    /// Rounds are paced by the wall, however fast emulated time runs: the gateway and what scrapes it do not
    /// run faster.
    async fn go_round_until_stopped(&mut self, pusher: &mut Pusher) {
        let first_push = first_push(self.fleets.borrow().clock());
        let clock = self.fleets.borrow().clock().real();
        let mut next_round = clock.now() + self.interval.min(first_push);
        // Beside the rhythm, there is one round more when all hosts of a new fleet have begun.
        let mut first_of_fleet = Time::NEVER;
        loop {
            tokio::select! {
                biased;
                _ = self.stopped.changed() => return,
                Ok(()) = self.fleets.changed() => {
                    pusher.replace_jobs(self.fleets.borrow_and_update().jobs());
                    first_of_fleet = clock.now() + first_push;
                    continue;
                }
                () = sleep_until(&clock, next_round.min(first_of_fleet)) => {}
            }
            let Some(has_pushed) = self.until_stopped(pusher.round()).await else { return };
            if has_pushed {
                self.tell_hosts();
            }
            // Rounds keep their rhythm; those that a slow server swallowed are left out.
            while next_round <= clock.now() {
                next_round += self.interval;
            }
            if first_of_fleet <= clock.now() {
                first_of_fleet = Time::NEVER;
            }
            if let Some(retry_at) = pusher.retry_at() {
                next_round = next_round.min(retry_at.max(clock.now()));
            }
        }
    }

    /// Work that goes to a server; gives nothing if the run was stopped meanwhile.
    async fn until_stopped<T>(&mut self, work: impl Future<Output = T>) -> Option<T> {
        let mut work = std::pin::pin!(work);
        tokio::select! {
            outcome = &mut work => Some(outcome),
            _ = self.stopped.changed() => {
                // A push that is dropped half-way may still arrive, after its group was deleted.
                let _is_cut_off = tokio::time::timeout(LAST_PUSH, work).await.is_err();
                None
            }
        }
    }
}

/// When all hosts have begun and reported, in real time from their start.
fn first_push(clock: &Clock) -> Span {
    Span::from_nanos(clock.real_span(START_SPREAD).as_nanos() + FIRST_REPORT.as_nanos())
}

#[cfg(test)]
mod tests {
    use super::*;
    use promemu_core::time::Speed;

    #[test]
    fn the_first_push_comes_when_all_hosts_have_begun_at_any_speed() {
        let at_speed = |speed| first_push(&Clock::start().at_speed(Speed::parse(speed).unwrap()));
        assert_eq!(at_speed("1x"), Span::from_nanos(2_200_000_000));
        assert_eq!(at_speed("20x"), Span::from_nanos(300_000_000));
        assert_eq!(at_speed("0.5x"), Span::from_nanos(4_200_000_000));
    }
}
