//! Configs that a plugin builds.

use super::call::Call;
use super::lend::Lent;
use super::setup::{NO_RANGE, setup};
use crate::plugin::{ConfigDecl, ParamValue, join};

impl ConfigDecl {
    /// Text of the config with a value for each argument, in their order.
    pub fn build(&self, args: &[ParamValue]) -> Result<String, String> {
        let mut call = Call::new(&self.origin, &[], None);
        let mut lent = Lent::default();
        let values = lent.lend(args);
        let setup = setup(&values, 0.0, NO_RANGE, &mut call);
        // SAFETY: the setup lives as long as the call.
        let status = unsafe { (self.calls.build)(&raw const setup) };
        let outcome = call.refused(status);
        outcome.map_err(|refusals| join(&refusals)).map(|_| call.written)
    }
}
