//! Configs that a plugin builds.

use promemu_plugin::abi;

use super::call::Call;
use super::setup::{NO_RANGE, setup};
use crate::plugin::{ConfigDecl, ParamValue};

impl ConfigDecl {
    /// Text of the config with a value for each argument, in their order.
    pub fn build(&self, args: &[ParamValue]) -> Result<String, String> {
        let mut call = Call::new(&self.origin, &[], None);
        let values: Vec<abi::Value> = args.iter().map(ParamValue::lend).collect();
        let setup = setup(&values, 0.0, NO_RANGE, &mut call);
        // SAFETY: the setup lives as long as the call.
        let status = unsafe { (self.calls.build)(&raw const setup) };
        call.outcome(status).map(|_| call.written)
    }
}
