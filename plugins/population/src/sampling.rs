//! Exact samplers whose cost does not depend on how large their numbers are.
//!
//! They use `+ - × ÷`, roots, and functions of libm, so that they give the same on every machine.

mod binomial;
mod gamma;
mod normal;
mod poisson;

pub(crate) use binomial::{binomial, multinomial, take_without_return};
pub(crate) use gamma::{beta, gamma};
pub(crate) use normal::{normal, normal_cdf, normal_quantile};
pub(crate) use poisson::poisson;

#[cfg(test)]
pub(crate) mod moments;
