//! A system: a config or a dynamics model.

use std::sync::Arc;

use promemu_core::time::{Span, Time};

use crate::column::{Column, Source};
use crate::error::EnvironmentError;
use crate::learned_system::{LearnedState, LearnedSystem};
use crate::world_system::{Handle, WorldSystem};

/// A system that runs.
#[derive(Debug)]
pub enum System {
    /// A run of a config.
    World(Box<WorldSystem>),
    /// A learned one.
    Learned(Box<LearnedSystem>),
}

/// The state of a system at one moment.
#[derive(Debug)]
pub enum SystemSnapshot {
    /// Of a run of a config.
    World(promemu_core::world::Snapshot),
    /// Of a learned one.
    Learned(Box<LearnedState>),
}

impl System {
    /// Starts anew with this seed.
    pub fn restart(&mut self, seed: u64) -> Result<(), EnvironmentError> {
        match self {
            Self::World(world) => world.restart(seed),
            Self::Learned(learned) => {
                learned.restart(seed);
                Ok(())
            }
        }
    }

    /// The emulated time.
    #[must_use]
    pub const fn now(&self) -> Time {
        match self {
            Self::World(world) => world.now(),
            Self::Learned(learned) => learned.now(),
        }
    }

    /// Lets time pass.
    pub fn advance(&mut self, to: Time) {
        match self {
            Self::World(world) => world.advance(to),
            Self::Learned(learned) => learned.advance(to),
        }
    }

    /// `true` if nothing will change any more.
    #[must_use]
    pub fn is_over(&self) -> bool {
        match self {
            Self::World(world) => world.is_over(),
            Self::Learned(_) => false,
        }
    }

    /// Writes the cells of all columns. A lever shows the value to which it is moving: an agent knows what it has asked for.
    pub fn read(&self, columns: &[Column], handles: &[f64], cells: &mut [f64]) {
        for column in columns {
            let own = &mut cells[column.offset..column.offset + column.width];
            match (&column.source, self) {
                (Source::Handle(handle), _) => own[0] = handles[*handle],
                (Source::Cells { .. }, Self::World(world)) => world.read(column, own),
                (Source::Learned { host, column }, Self::Learned(learned)) => {
                    own[0] = learned.value(*host, *column);
                }
                _ => own.fill(promemu_core::metric::ABSENT),
            }
        }
    }

    /// Moves a lever.
    pub fn move_lever(&mut self, handle: &Handle, value: f64) -> Result<(), EnvironmentError> {
        match self {
            Self::World(world) => world.move_lever(handle, value),
            Self::Learned(learned) => {
                learned.move_lever(handle.lever, value);
                Ok(())
            }
        }
    }

    /// Begins a fault; a learned system has none.
    pub fn begin_fault(&mut self, id: &Arc<str>, lasts: Span) -> Result<(), EnvironmentError> {
        match self {
            Self::World(world) => world.begin_fault(id, lasts),
            Self::Learned(_) => Ok(()),
        }
    }

    /// Ends a fault.
    pub fn end_fault(&mut self, id: &Arc<str>) -> Result<(), EnvironmentError> {
        match self {
            Self::World(world) => world.end_fault(id),
            Self::Learned(_) => Ok(()),
        }
    }

    /// Takes a target down for a while.
    pub fn take_down(&mut self, target: usize, lasts: Span) -> Result<(), EnvironmentError> {
        match self {
            Self::World(world) => world.take_down(target, lasts),
            Self::Learned(_) => Ok(()),
        }
    }

    /// A copy of its state.
    pub fn snapshot(&self) -> Result<SystemSnapshot, EnvironmentError> {
        match self {
            Self::World(world) => world.snapshot().map(SystemSnapshot::World),
            Self::Learned(learned) => Ok(SystemSnapshot::Learned(Box::new(learned.state().clone()))),
        }
    }

    /// Goes on from a copy.
    pub fn restore(&mut self, snapshot: &SystemSnapshot) -> Result<(), EnvironmentError> {
        match (self, snapshot) {
            (Self::World(world), SystemSnapshot::World(snapshot)) => world.restore(snapshot),
            (Self::Learned(learned), SystemSnapshot::Learned(state)) => {
                learned.set_state((**state).clone());
                Ok(())
            }
            _ => Err(EnvironmentError::Usage(
                "snapshot is of another environment; restore it there".to_owned(),
            )),
        }
    }
}
