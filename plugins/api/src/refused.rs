//! The outcome of refused parameters.

/// Parameters that a plugin does not take. [`crate::Params::refuse`] makes one that names its parameter; a text alone
/// becomes one for all of them.
#[derive(Debug, PartialEq, Eq)]
pub struct Refused(String);

impl Refused {
    /// Parameters that promemu has been told of.
    pub(crate) const fn told() -> Self {
        Self(String::new())
    }

    /// The reason; empty if promemu has been told.
    pub(crate) fn into_reason(self) -> String {
        self.0
    }
}

impl From<String> for Refused {
    fn from(reason: String) -> Self {
        Self(reason)
    }
}

impl From<&str> for Refused {
    fn from(reason: &str) -> Self {
        Self(reason.to_owned())
    }
}
