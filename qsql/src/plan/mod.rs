//! Plans: typed expressions and physical operators.

pub mod expr;
pub mod physical;
