//! Aggregates: the running state of one group.

use std::any::Any;

use super::{Aggregate, EvalCx};
use crate::error::{Result, SqlError};
use crate::types::Datum;

/// An aggregate that is listed but has no body.
pub(super) struct Absent;

impl Aggregate for Absent {
    fn add(&mut self, _: &mut EvalCx<'_>, _: &[Datum]) -> Result<()> {
        Err(SqlError::unsupported("this aggregate function"))
    }

    fn merge(&mut self, _: &mut dyn Aggregate) -> Result<()> {
        Err(SqlError::unsupported("this aggregate function"))
    }

    fn finish(&mut self, _: &mut EvalCx<'_>) -> Result<Datum> {
        Err(SqlError::unsupported("this aggregate function"))
    }

    fn as_any(&mut self) -> &mut dyn Any {
        self
    }
}
