//! systemd, if it has started promemu as a service: it is told when the run lives, reloads its config and ends, and is given signs of
//! life, without which it starts promemu again. Elsewhere nothing happens.

use promemu_run::run::Run;
use promemu_run::watch::ReloadRequests;
use sd_notify::NotifyState;
use tokio::task::JoinHandle;

/// The service, while it is accompanied.
#[derive(Debug)]
pub(crate) struct Service(JoinHandle<()>);

impl Service {
    /// Tells systemd when this run lives, or at once without one, that it does, and when its config is reloaded.
    pub(crate) fn accompany(run: Option<Run>, reloads: Option<ReloadRequests>) -> Self {
        Self(tokio::spawn(async move {
            if let Some(run) = run {
                run.begun().await;
            }
            tell(&[NotifyState::Ready]);
            tokio::join!(give_signs_of_life(), tell_reloads(reloads));
        }))
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        self.0.abort();
        tell(&[NotifyState::Stopping]);
    }
}

async fn give_signs_of_life() {
    let Some(longest_silence) = sd_notify::watchdog_enabled() else { return };
    loop {
        tell(&[NotifyState::Watchdog]);
        tokio::time::sleep(longest_silence / 2).await;
    }
}

/// Tells the begin of each reload, and its end, by when the config is in force or was refused.
async fn tell_reloads(reloads: Option<ReloadRequests>) {
    let Some(mut counts) = reloads.map(|reloads| reloads.counts()) else { return };
    let mut told = 0;
    loop {
        let Ok(asked) = counts.wait_for(|counts| counts.asked > told).await.map(|counts| counts.asked) else {
            return;
        };
        // systemd compares the time with that of its own request.
        let now = NotifyState::monotonic_usec_now().ok();
        let states: Vec<NotifyState<'_>> = [NotifyState::Reloading].into_iter().chain(now).collect();
        tell(&states);
        if counts.wait_for(|counts| counts.answered >= asked).await.is_err() {
            return;
        }
        tell(&[NotifyState::Ready]);
        told = asked;
    }
}

fn tell(states: &[NotifyState<'_>]) {
    // Without systemd there is nobody to tell.
    let _is_told = sd_notify::notify(states).is_ok();
}
