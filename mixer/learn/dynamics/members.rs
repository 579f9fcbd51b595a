//! The ensemble: each member is trained by itself, on a thread at a time.

use std::io;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{Sender, channel};

use promemu_core::rng::Seed;
use promemu_dynamics::network::Network;
use promemu_dynamics::role::RoleModel;

use super::fitting::{DynamicsOptions, FitProgress};
use super::gradient::Sequence;
use super::rows::HostRows;
use super::scoring::Stretches;
use super::training::{Lessons, Student};
use crate::error::LearnError;

/// The place of checkpoints: the state of each member, by name, so that a training that was ended goes on.
pub trait Checkpoints {
    /// The last bytes of a name, if there are any.
    fn load(&self, name: &str) -> Option<Vec<u8>>;

    /// Keeps bytes.
    ///
    /// # Errors
    ///
    /// They cannot be kept.
    fn save(&mut self, name: &str, bytes: &[u8]) -> io::Result<()>;
}

/// No place for checkpoints.
#[derive(Clone, Copy, Debug, Default)]
pub struct NoCheckpoints;

impl Checkpoints for NoCheckpoints {
    fn load(&self, _name: &str) -> Option<Vec<u8>> {
        None
    }

    fn save(&mut self, _name: &str, _bytes: &[u8]) -> io::Result<()> {
        Ok(())
    }
}

/// The ensemble of a role.
pub(super) struct Ensemble<'e> {
    pub(super) role: usize,
    pub(super) rows: &'e [HostRows],
    pub(super) stretches: Stretches,
    pub(super) options: &'e DynamicsOptions,
    /// The hash of what training depends on.
    pub(super) of: &'e str,
}

/// The members that are trained.
#[derive(Clone, Copy, Debug)]
pub(super) enum Members {
    /// All.
    All,
    /// None: all have been trained before.
    Kept,
    /// One of them, by its number from 0 on.
    One(usize),
}

/// News of a member.
struct News {
    member: usize,
    progress: FitProgress,
    checkpoint: Vec<u8>,
}

impl Ensemble<'_> {
    /// The networks of a model, whose linear part stays.
    pub(super) fn trained(
        &self,
        model: &RoleModel,
        members: Members,
        checkpoints: &mut dyn Checkpoints,
        progress: &mut dyn FnMut(FitProgress),
    ) -> Result<Vec<Network>, LearnError> {
        let numbers = &self.options.numbers;
        let mut model = model.clone();
        model.role.units = numbers.units;
        let lessons = Lessons {
            sequences: self.rows.iter().map(|rows| Sequence::of(&model, rows)).collect(),
            model: &model,
            learned: self.stretches.learned,
            selection: self.stretches.selection,
            numbers,
            rows: self.rows,
        };
        let name = |member: usize| format!("role-{}-member-{member}", self.role);
        let kept: Vec<Option<Vec<u8>>> =
            (0..numbers.members).map(|member| checkpoints.load(&name(member))).collect();
        let (first, end) = match members {
            Members::All | Members::Kept => (0, numbers.members),
            Members::One(member) => (member, (member + 1).min(numbers.members)),
        };
        if matches!(members, Members::Kept) {
            let is_over = |kept: &Option<Vec<u8>>| {
                let student = kept.as_ref().and_then(|bytes| Student::from_bytes(bytes, &lessons, self.of));
                student.is_some_and(|student| student.is_over())
            };
            if let Some(missing) = kept.iter().position(|kept| !is_over(kept)) {
                return Err(LearnError::Untrained { member: missing + 1, members: numbers.members });
            }
        }
        let next = AtomicUsize::new(first);
        let (sender, receiver) = channel::<News>();
        let mut trained: Vec<Option<Network>> = vec![None; numbers.members];
        std::thread::scope(|scope| {
            let threads = self.options.threads.clamp(1, (end - first.min(end)).max(1));
            let workers: Vec<_> = (0..threads)
                .map(|_| {
                    let sender = sender.clone();
                    let (lessons, kept, next) = (&lessons, &kept[..end], &next);
                    scope.spawn(move || self.work(lessons, kept, next, &sender))
                })
                .collect();
            drop(sender);
            for news in receiver {
                checkpoints.save(&name(news.member), &news.checkpoint).map_err(LearnError::Checkpoint)?;
                progress(news.progress);
            }
            for (member, network) in workers.into_iter().filter_map(|worker| worker.join().ok()).flatten() {
                trained[member] = Some(network);
            }
            Ok::<(), LearnError>(())
        })?;
        Ok(trained.into_iter().flatten().collect())
    }

    /// Trains one member after the other until none is left.
    fn work(
        &self,
        lessons: &Lessons<'_>,
        kept: &[Option<Vec<u8>>],
        next: &AtomicUsize,
        sender: &Sender<News>,
    ) -> Vec<(usize, Network)> {
        let mut trained = Vec::new();
        loop {
            let member = next.fetch_add(1, Ordering::Relaxed);
            let Some(kept) = kept.get(member) else { return trained };
            let seed = Seed::new(self.options.seed).child(&format!("role {} member {member}", self.role));
            let kept = kept.as_ref().and_then(|bytes| Student::from_bytes(bytes, lessons, self.of));
            let mut student = kept.unwrap_or_else(|| Student::new(lessons, self.of, seed));
            while !student.is_over() {
                let look = student.train(lessons, seed);
                let progress = FitProgress::Trained {
                    role: self.role,
                    member,
                    horizon: look.horizon,
                    updates: look.updates,
                    loss: look.loss,
                    error: look.error,
                };
                let Ok(checkpoint) = student.to_bytes() else { break };
                // Nobody hears it if a checkpoint could not be written.
                if sender.send(News { member, progress, checkpoint }).is_err() {
                    return trained;
                }
            }
            trained.push((member, student.best()));
        }
    }
}
