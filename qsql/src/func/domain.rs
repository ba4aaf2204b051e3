//! Domains: what makes a value of the base type one of the domain.

use super::EvalCx;
use crate::error::Result;
use crate::types::{Datum, user};

/// Checks the constraints of the domain that the call's result is of.
pub(super) fn to_domain(cx: &mut EvalCx<'_>, args: &[Datum]) -> Result<Datum> {
    let value = args.first().cloned().unwrap_or(Datum::Null);
    user::check_domain(cx.result.oid, &value, cx.io)?;
    Ok(value)
}
