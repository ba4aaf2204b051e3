//! Plans: typed expressions, the logical algebra, physical operators, and their printed forms.

pub mod deparse;
pub mod explain;
pub mod expr;
pub mod logical;
pub mod physical;
pub mod same;
mod sample;
