//! Stores of a recording's files outside of its folder: another folder, or a bucket of an object store; and databases that
//! have its rows, too.
//!
//! A file is in a store as a whole or not at all. They block, so only commands use them that do nothing else.

mod credentials;
mod folder;
mod influxdb;
mod s3;

pub use credentials::Credentials;
pub use folder::FolderStore;
pub use influxdb::{ContinuousQuery, InfluxPlace, InfluxSettings, InfluxStore};
pub use s3::{S3Settings, S3Store};
