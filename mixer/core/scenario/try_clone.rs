//! Copies of running scenarios, which may fail: the state of a plugin's scenario is the plugin's.

/// Running state that can be copied. Everything that is [`Clone`] is, and so is what it holds of plugins if they save
/// their state.
pub trait TryClone: Sized {
    /// A copy that does the same from here on. The error says why there is none.
    fn try_clone(&self) -> Result<Self, String>;
}

impl<T: Clone> TryClone for T {
    fn try_clone(&self) -> Result<Self, String> {
        Ok(self.clone())
    }
}
