//! The native module of the Python package `promemu`.
//!
//! It is a thin face: calls are checked, Python's lock is released while environments work, and results go to arrays. Environments
//! themselves are in `promemu-environment`. The plugin `population` is linked in, so the module's file is a plugin of promemu, too.
//!
//! | module | content |
//! | --- | --- |
//! | [`description`] | environments by their names, configs, models and texts, and what they have |
//! | [`single`] | one environment |
//! | [`vector`] | many environments |
//! | [`operator`] | operators that follow playbooks |
//! | [`frames`] | samples and the truth of runs |

#![expect(
    clippy::needless_pass_by_value,
    clippy::too_many_arguments,
    reason = "arguments of Python's functions are owned, and have names"
)]

mod description;
mod frames;
mod operator;
mod single;
mod vector;

use promemu_population as _;
use pyo3::prelude::*;

/// The native part of the package `promemu`.
#[pymodule]
fn _native(module: &Bound<'_, PyModule>) -> PyResult<()> {
    module.add("VERSION", env!("CARGO_PKG_VERSION"))?;
    module.add("TERMS", promemu_environment::reward::TERMS)?;
    module.add(
        "KINDS",
        promemu_environment::action::ActionKind::ALL.map(promemu_environment::action::ActionKind::name),
    )?;
    module.add_class::<description::Description>()?;
    module.add_class::<single::Single>()?;
    module.add_class::<vector::Vector>()?;
    module.add_class::<operator::Operator>()?;
    module.add_class::<single::Snapshot>()?;
    module.add_function(wrap_pyfunction!(description::use_plugins, module)?)?;
    module.add_function(wrap_pyfunction!(description::configs, module)?)?;
    module.add_function(wrap_pyfunction!(frames::samples, module)?)?;
    module.add_function(wrap_pyfunction!(frames::truth, module)?)?;
    Ok(())
}
