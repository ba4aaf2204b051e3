//! TABLESAMPLE in a plan.

use super::expr::Expr;

/// How TABLESAMPLE chooses rows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SampleMethod {
    /// Each row by itself.
    Bernoulli,
    /// All rows or none of a stretch of neighbours.
    System,
}

impl SampleMethod {
    /// The method's name.
    pub fn name(self) -> &'static str {
        match self {
            SampleMethod::Bernoulli => "bernoulli",
            SampleMethod::System => "system",
        }
    }
}

/// TABLESAMPLE of a relation. Which rows are chosen depends on their ids and the seed alone.
#[derive(Clone, Debug)]
pub struct Sampling {
    /// Method.
    pub method: SampleMethod,
    /// The percentage, a `real`.
    pub percent: Expr,
    /// REPEATABLE, a `double precision`.
    pub seed: Option<Expr>,
}

impl Sampling {
    /// Its expressions.
    pub fn exprs(&self) -> impl Iterator<Item = &Expr> {
        std::iter::once(&self.percent).chain(&self.seed)
    }

    /// Its expressions, to be changed.
    pub fn exprs_mut(&mut self) -> impl Iterator<Item = &mut Expr> {
        std::iter::once(&mut self.percent).chain(&mut self.seed)
    }
}
