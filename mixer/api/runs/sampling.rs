//! The task that samples the watched series of a run, and the series that are kept for whoever opens its page later.

use std::sync::Arc;
use std::time::Duration;

use indexmap::IndexSet;
use tokio::time::{Instant, MissedTickBehavior, interval, sleep};

use promemu_run::handle::{ChartView, RunHandle, Sampler};

use super::entry::RunEntry;

/// The time between two samples.
pub(crate) const SAMPLE_INTERVAL: Duration = Duration::from_secs(1);
/// The pauses in which a run is asked for its first charts.
const BEGIN_PAUSE: Duration = Duration::from_millis(200);
/// Number of pauses in which hosts may begin.
const BEGIN_PAUSES: u32 = 25;
/// Without a client, a sample is followed by a pause of this many times the time that it took.
const IDLE_SHARE: u32 = 50;
/// The longest pause behind a sample that takes little, so that the page shows no gap; and the pause that still is little.
const IDLE_PAUSE: Duration = Duration::from_secs(2);
const LITTLE_PAUSE: Duration = Duration::from_secs(8);
/// The most lines that are kept for whoever opens the page, or adds a chart: 1.8 MB.
const KEPT_MAX: usize = 128;

/// Keeps the series of the charts that the run's page opens with, from its begin to its end.
pub(crate) fn keep_first_charts(run: Arc<RunEntry>) {
    tokio::spawn(async move {
        tokio::select! {
            () = run.over() => {}
            () = begin_to_keep(&run) => {}
        }
    });
}

async fn begin_to_keep(run: &Arc<RunEntry>) {
    let mut pauses = 0;
    loop {
        sleep(BEGIN_PAUSE).await;
        let Ok(handle) = run.handle() else { continue };
        pauses += 1;
        let asked = handle.clone();
        let charts = tokio::task::spawn_blocking(move || {
            // Charts of hosts that have no samples yet would lack some of their lines; others begin later.
            let may_be_whole = pauses > BEGIN_PAUSES || asked.overview().hosts["waiting"] == 0;
            if may_be_whole {
                (asked.first_charts(), asked.likely_lines(KEPT_MAX))
            } else {
                Default::default()
            }
        });
        let Ok((charts, likely)) = charts.await else { return };
        if charts.is_empty() {
            continue;
        }
        let first = charts.iter().flat_map(ChartView::ids);
        let ids: IndexSet<Arc<str>> = first.chain(likely).take(KEPT_MAX).collect();
        let ids: Vec<Arc<str>> = ids.into_iter().collect();
        run.live().set_charts(charts);
        let mut watched = run.live().watched();
        watched.keep(&ids);
        if watched.begin_sampling() {
            begin_sampling(Arc::clone(run), handle);
        }
        return;
    }
}

/// Begins to sample the watched series; ends when there are none, or the run is over.
pub(crate) fn begin_sampling(run: Arc<RunEntry>, handle: RunHandle) {
    tokio::spawn(sample(run, handle));
}

async fn sample(run: Arc<RunEntry>, handle: RunHandle) {
    let mut sampler = Sampler::new(handle);
    let mut ticks = interval(SAMPLE_INTERVAL);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Skip);
    let mut idle_until = Instant::now();
    loop {
        tokio::select! {
            () = run.over() => break,
            _ = ticks.tick() => {}
        }
        let live = run.live();
        if !live.watched().has_clients() && Instant::now() < idle_until {
            continue;
        }
        let ids = live.watched().ids();
        let (probed, began) = (ids.clone(), Instant::now());
        // An aggregate reads the series of all hosts, which may take long.
        let reading = tokio::task::spawn_blocking(move || {
            let seen = sampler.read(&probed);
            (sampler, seen)
        });
        let Ok((back, (time, values))) = reading.await else { break };
        let pause = began.elapsed() * IDLE_SHARE;
        idle_until = Instant::now() + if pause <= LITTLE_PAUSE { pause.min(IDLE_PAUSE) } else { pause };
        sampler = back;
        let mut watched = live.watched();
        watched.add_sample(time.unix_millis_secs(), &ids, values);
        if watched.ids().is_empty() {
            watched.end_sampling();
            return;
        }
        drop(watched);
        live.announce();
    }
    run.live().watched().end_sampling();
}
