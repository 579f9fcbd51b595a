//! systemd, if it has started promemu as a service: it is told when the run lives and when it ends, and is given signs of life,
//! without which it starts promemu again. Elsewhere nothing happens.

use promemu_run::run::Run;
use sd_notify::NotifyState;
use tokio::task::JoinHandle;

/// The service, while it is accompanied.
#[derive(Debug)]
pub(crate) struct Service(JoinHandle<()>);

impl Service {
    /// Tells systemd when this run lives, or at once without one, and that it does.
    pub(crate) fn accompany(run: Option<Run>) -> Self {
        Self(tokio::spawn(async move {
            if let Some(run) = run {
                run.begun().await;
            }
            tell(NotifyState::Ready);
            let Some(longest_silence) = sd_notify::watchdog_enabled() else { return };
            loop {
                tell(NotifyState::Watchdog);
                tokio::time::sleep(longest_silence / 2).await;
            }
        }))
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        self.0.abort();
        tell(NotifyState::Stopping);
    }
}

fn tell(state: NotifyState<'_>) {
    // Without systemd there is nobody to tell.
    let _is_told = sd_notify::notify(&[state]).is_ok();
}
