//! Operators (manual 10.2).

use super::super::category::display;
use super::super::{Function, Operator, function_by_oid, operators};
use super::candidates::{Choice, choose};
use super::polymorphic::solve;
use crate::error::{Result, SqlError};
use crate::sql_err;
use crate::types::oid::UNKNOWN;
use crate::types::{Oid, info};

/// The operator that a call means.
#[derive(Debug)]
pub struct OperatorResolution {
    /// The operator.
    pub operator: &'static Operator,
    /// Its function.
    pub func: &'static Function,
    /// Type that the left operand must be coerced to; 0 for a prefix operator.
    pub left: Oid,
    /// Type that the right operand must be coerced to.
    pub right: Oid,
    /// Type of the result.
    pub result: Oid,
}

/// Resolves operator `name` for operands of the given types; `left` is 0 for a prefix operator.
///
/// # Errors
/// 42883 `operator does not exist: integer + text`, 42725 `operator is not unique: unknown + unknown`.
pub fn resolve_operator(name: &str, left: Oid, right: Oid) -> Result<OperatorResolution> {
    let named = || operators(name).iter().copied().filter(|o| (o.left == 0) == (left == 0));
    let exact = match (left, right) {
        (UNKNOWN, UNKNOWN) => None,
        (UNKNOWN, ty) | (ty, UNKNOWN) => {
            let of = |ty: Oid| named().find(move |o| o.left == ty && o.right == ty);
            of(ty).or_else(|| of(info::base_type(ty)))
        }
        _ => None,
    };
    let exact = exact.or_else(|| named().find(|o| o.left == left && o.right == right));
    if let Some(operator) = exact {
        return finish(operator, left, right);
    }
    let rows: Vec<&'static Operator> = named().collect();
    let choice = if left == 0 {
        let types: Vec<[Oid; 1]> = rows.iter().map(|o| [o.right]).collect();
        choose(&[right], &types.iter().map(<[Oid; 1]>::as_slice).collect::<Vec<_>>())
    } else {
        let types: Vec<[Oid; 2]> = rows.iter().map(|o| [o.left, o.right]).collect();
        choose(&[left, right], &types.iter().map(<[Oid; 2]>::as_slice).collect::<Vec<_>>())
    };
    match choice {
        Choice::Best(i) => finish(rows[i], left, right),
        Choice::Ambiguous => {
            Err(sql_err!(AMBIGUOUS_FUNCTION, "operator is not unique: {}", text(name, left, right)).hint(
                "Could not choose a best candidate operator. You might need to add explicit type casts.",
            ))
        }
        Choice::Nothing => {
            let error = sql_err!(UNDEFINED_FUNCTION, "operator does not exist: {}", text(name, left, right));
            Err(error.hint(if left == 0 {
                "No operator matches the given name and argument type. You might need to add an explicit type cast."
            } else {
                "No operator matches the given name and argument types. You might need to add explicit type casts."
            }))
        }
    }
}

fn finish(operator: &'static Operator, left: Oid, right: Oid) -> Result<OperatorResolution> {
    let func =
        function_by_oid(operator.function).ok_or_else(|| SqlError::internal("operator without function"))?;
    let (left, right, result) = if operator.left == 0 {
        let mut declared = [operator.right];
        let result = solve(&[right], &mut declared, operator.result)?;
        (0, declared[0], result)
    } else {
        let mut declared = [operator.left, operator.right];
        let result = solve(&[left, right], &mut declared, operator.result)?;
        (declared[0], declared[1], result)
    };
    Ok(OperatorResolution { operator, func, left, right, result })
}

fn text(name: &str, left: Oid, right: Oid) -> String {
    match left {
        0 => format!("{name} {}", display(right)),
        _ => format!("{} {name} {}", display(left), display(right)),
    }
}
