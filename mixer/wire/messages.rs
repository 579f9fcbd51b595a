//! Protobuf messages that are read, in the subset of fields that is needed.
//!
//! Their encoders write without them, field by field: there is one message for each of millions of samples there.

pub(crate) mod client_model;
pub(crate) mod otlp;
pub(crate) mod prometheus;
