//! The state of an environment, without its system's.

use promemu_core::metric::{ABSENT, is_absent};
use promemu_core::rng::{Rng, Seed};
use promemu_core::time::{Span, Time};

use crate::environment::Episode;
use crate::error::EnvironmentError;
use crate::faults;
use crate::outcome::{FaultRecord, Outcome};
use crate::setup::Setup;
use crate::spec::LevelSpec;
use crate::system::System;

/// All of an environment's state but its system's.
#[derive(Clone, Debug)]
pub(crate) struct State {
    pub(crate) level: LevelSpec,
    pub(crate) step: u32,
    pub(crate) records: Vec<FaultRecord>,
    /// The records that may still begin or end, from this one on.
    pub(crate) first_open: usize,
    pub(crate) handles: Vec<f64>,
    /// Moves of levers that are under way: the step, the handle, the value.
    pub(crate) pending: Vec<(u32, usize, f64)>,
    /// Values of handles with what is under way.
    pub(crate) wanted: Vec<f64>,
    pub(crate) cells: Vec<f64>,
    pub(crate) before: Vec<f64>,
    pub(crate) numbers: Vec<f64>,
    pub(crate) since: Vec<Option<Time>>,
    pub(crate) firing: Vec<bool>,
    noise: Rng,
    /// The state of the noise before the newest observation.
    noise_before: Rng,
    pub(crate) outcome: Outcome,
}

impl State {
    /// The state before the first episode.
    pub(crate) fn new(setup: &Setup) -> Result<Self, EnvironmentError> {
        let noise = Seed::new(0).rng();
        Ok(Self {
            level: setup.spec.level(None)?,
            step: 0,
            records: Vec::new(),
            first_open: 0,
            handles: Vec::new(),
            pending: Vec::new(),
            wanted: Vec::new(),
            cells: vec![ABSENT; setup.cells],
            before: vec![ABSENT; setup.cells],
            numbers: vec![ABSENT; setup.columns.len()],
            since: vec![None; setup.alarms.len()],
            firing: vec![false; setup.alarms.len()],
            noise_before: noise.clone(),
            noise,
            outcome: Outcome::default(),
        })
    }

    /// Begins an episode.
    pub(crate) fn begin(&mut self, setup: &Setup, episode: &Episode, fault_seed: u64) {
        self.level.clone_from(&episode.level);
        self.step = 0;
        self.records.clear();
        let drawn = faults::draw(&setup.spec, setup.targets.len(), episode.level.at_once, fault_seed);
        self.records.extend(drawn.into_iter().map(FaultRecord::new));
        self.first_open = 0;
        self.pending.clear();
        self.handles.clear();
        self.handles.extend(setup.handles.iter().map(|handle| handle.default));
        self.wanted.clone_from(&self.handles);
        self.since.fill(None);
        self.noise = Seed::new(fault_seed).child("noise of an environment").rng();
        self.outcome = Outcome::default();
    }

    /// Writes the newest observation once more.
    pub(crate) fn observe_again(&mut self, setup: &Setup, observation: &mut [f32]) {
        self.noise = self.noise_before.clone();
        self.observe(setup, observation);
    }

    /// Reads the cells, and makes numbers and alarms of them.
    pub(crate) fn look(&mut self, setup: &Setup, system: &System) {
        std::mem::swap(&mut self.cells, &mut self.before);
        system.read(&setup.columns, &self.wanted, &mut self.cells);
        let secs = setup.spec.step.as_secs_f64();
        for (number, column) in self.numbers.iter_mut().zip(&setup.columns) {
            *number = column.number(&self.cells, &self.before, secs);
        }
        let now = system.now();
        for ((alarm, since), firing) in setup.alarms.iter().zip(&mut self.since).zip(&mut self.firing) {
            *firing = alarm.fires(self.numbers[alarm.column], now, since);
        }
    }

    /// Writes the observation.
    #[expect(clippy::cast_possible_truncation, reason = "agents see 32 bits")]
    pub(crate) fn observe(&mut self, setup: &Setup, observation: &mut [f32]) {
        let count = setup.columns.len();
        self.noise_before = self.noise.clone();
        let (metrics, rest) = observation.split_at_mut(count);
        let (masks, alarms) = rest.split_at_mut(count);
        for (((column, number), metric), mask) in
            setup.columns.iter().zip(&self.numbers).zip(metrics).zip(masks)
        {
            let is_there = !is_absent(*number);
            let mut scaled = if is_there { column.scaled(*number) } else { 0.0 };
            if self.level.noise > 0.0 {
                let noise = self.noise.uniform(-self.level.noise, self.level.noise);
                scaled = if is_there { (scaled + noise).clamp(0.0, 1.0) } else { 0.0 };
            }
            *metric = scaled as f32;
            *mask = f32::from(u8::from(is_there));
        }
        for (alarm, firing) in alarms.iter_mut().zip(&self.firing) {
            *alarm = f32::from(u8::from(*firing));
        }
    }

    /// Tells a person of the faults on a target. Returns `false` if there is none that is new.
    pub(crate) fn page(&mut self, target: usize, step: Span) -> bool {
        let now = self.step;
        let news = |record: &&mut FaultRecord| {
            record.drawn.target == target
                && record.noticed.is_none()
                && record.drawn.begin < now
                && record.is_on(now)
        };
        let mut is_new = false;
        for record in self.records.iter_mut().filter(news) {
            record.noticed = Some(now);
            self.outcome.noticed += 1;
            self.outcome.notice_secs += secs_since(record.drawn.begin, now, step);
            is_new = true;
        }
        is_new
    }

    /// The faults on a target that an action ends.
    pub(crate) fn mendable(&self, target: usize, ends: &[String], kinds: &[String]) -> Vec<usize> {
        if ends.is_empty() {
            return Vec::new();
        }
        let is_ended = |record: &FaultRecord| {
            let FaultRecord { drawn, .. } = record;
            drawn.target == target
                && drawn.begin < self.step
                && record.is_on(self.step)
                && ends.contains(&kinds[drawn.kind])
        };
        (self.first_open..self.records.len()).filter(|place| is_ended(&self.records[*place])).collect()
    }

    pub(crate) fn mend(&mut self, place: usize, step: Span) {
        let (now, record) = (self.step, &mut self.records[place]);
        let secs = secs_since(record.drawn.begin, now, step);
        record.mended = Some(now);
        self.outcome.mended += 1;
        self.outcome.mend_secs += secs;
        if record.noticed.is_none() {
            record.noticed = Some(now);
            self.outcome.noticed += 1;
            self.outcome.notice_secs += secs;
        }
    }

    /// Counts the faults that have ended by themselves without being noticed, now.
    pub(crate) fn miss(&mut self) -> u32 {
        let now = self.step;
        let is_missed = |record: &&FaultRecord| record.drawn.end == now && record.noticed.is_none();
        let missed = self.records[self.first_open..].iter().filter(is_missed).count();
        let is_closed = |record: &FaultRecord| record.drawn.end <= now;
        while self.records.get(self.first_open).is_some_and(is_closed) {
            self.first_open += 1;
        }
        let missed = u32::try_from(missed).unwrap_or(u32::MAX);
        self.outcome.missed += missed;
        missed
    }
}

fn secs_since(begin: u32, now: u32, step: Span) -> f64 {
    f64::from(now.saturating_sub(begin)) * step.as_secs_f64()
}
