//! Reasons for which nothing is learned.

use std::io;

/// A recording of which no config can be made.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum LearnError {
    /// The recording cannot be read.
    #[error("the recording cannot be read")]
    Recording(#[from] io::Error),
    /// No series is there, or none that a selector takes.
    #[error("the recording has no series to fit{of}; promemu record adds samples to it")]
    Empty {
        /// ` that --match selects`, or nothing.
        of: &'static str,
    },
    /// A config and a recording have no series in common that can be compared.
    #[error(
        "the config has none of the {missing} recorded series, and {skipped} are too short; give it the labels of the recording, as promemu fit does, or record longer"
    )]
    NothingInCommon {
        /// Number of recorded series that the config does not have.
        missing: usize,
        /// Number of those that are too short.
        skipped: usize,
    },
    /// A file of it is missing or has changed.
    #[error("{what}; record again, or leave its time out with from and to of extract")]
    Damaged {
        /// A sentence on the file.
        what: String,
    },
    /// A pipeline takes no time of it.
    #[error("the recording has no samples between from and to of extract; change these, or record longer")]
    NoTime,
    /// No host has enough rows for a dynamics model.
    #[error("the recording has no host with {min} rows at least; record longer: {notes}")]
    TooFewRows {
        /// The least number.
        min: usize,
        /// The hosts that are there.
        notes: String,
    },
    /// No action is changed often enough.
    #[error("no action of the recording can be learned: {notes}")]
    Unsupported {
        /// A sentence on each.
        notes: String,
    },
    /// A member of an ensemble that is to be assembled is not trained.
    #[error(
        "member {member} of {members} is not trained on this recording with these hyper-parameters and this seed; run it with --member {member}/{members}"
    )]
    Untrained {
        /// The number of the first such member, from 1 on.
        member: usize,
        /// Number of members.
        members: usize,
    },
    /// A checkpoint cannot be written.
    #[error("a checkpoint of the training cannot be written; free space, or choose another place with --out")]
    Checkpoint(#[source] io::Error),
    /// A series of a model is not in the recording.
    #[error(
        "no host of the recording has the metrics of the model; validate it against one of the same system"
    )]
    NoHost,
    /// Rows cannot be written.
    #[error("the output cannot be written; choose another place with --out")]
    Output(#[source] io::Error),
    /// It has more samples than fit into memory.
    #[error("the recording has more than {max} samples; fit a part of it, with --match")]
    TooLarge {
        /// The largest number.
        max: usize,
    },
}
