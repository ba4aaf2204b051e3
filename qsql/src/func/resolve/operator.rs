//! Operators (manual 10.2).

use std::sync::Arc;

use super::super::category::display;
use super::super::{Function, Operator, function_by_oid, operators};
use super::candidates::{Choice, choose};
use super::polymorphic::solve;
use crate::catalog::UserOperator;
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

/// A user's operator that a name may mean, with the place of its schema in the search path.
pub type OperatorCandidate = (usize, Arc<UserOperator>);

/// The operator that a call means, where users have made some.
#[derive(Debug)]
pub enum OperatorMatch {
    /// A row of the registry.
    Builtin(OperatorResolution),
    /// One of a user.
    User {
        /// The operator.
        operator: Arc<UserOperator>,
        /// Type that the left operand must be coerced to; 0 for a prefix operator.
        left: Oid,
        /// Type that the right operand must be coerced to.
        right: Oid,
        /// Type of the result.
        result: Oid,
    },
}

/// Resolves operator `name` for operands of the given types; `left` is 0 for a prefix operator.
///
/// # Errors
/// 42883 `operator does not exist: integer + text`, 42725 `operator is not unique: unknown + unknown`.
pub fn resolve_operator(name: &str, left: Oid, right: Oid) -> Result<OperatorResolution> {
    match resolve_operator_among(name, left, right, &[], Some(0))? {
        OperatorMatch::Builtin(found) => Ok(found),
        OperatorMatch::User { .. } => Err(SqlError::internal("an operator that nobody offered")),
    }
}

/// A candidate of either origin.
#[derive(Clone, Copy)]
enum Row<'a> {
    Builtin(&'static Operator),
    User(&'a Arc<UserOperator>),
}

impl Row<'_> {
    fn types(&self) -> [Oid; 2] {
        match self {
            Row::Builtin(o) => [o.left, o.right],
            Row::User(o) => [o.left, o.right],
        }
    }
}

/// As [`resolve_operator`], among users' operators, too. `builtins`: the place of `pg_catalog` in the search path, `None` where it is
/// not searched.
///
/// # Errors
/// As there, and 42883 `operator is only a shell: a +++ b`.
pub fn resolve_operator_among(
    name: &str,
    left: Oid,
    right: Oid,
    users: &[OperatorCandidate],
    builtins: Option<usize>,
) -> Result<OperatorMatch> {
    let mut rows: Vec<(usize, Row<'_>)> = Vec::new();
    if let Some(place) = builtins {
        let of = operators(name).iter().filter(|o| (o.left == 0) == (left == 0));
        rows.extend(of.map(|o| (place, Row::Builtin(o))));
    }
    if !users.is_empty() {
        let of = users.iter().filter(|(_, o)| (o.left == 0) == (left == 0));
        rows.extend(of.map(|(place, o)| (*place, Row::User(o))));
        rows.sort_by_key(|(place, _)| *place);
        // What is found first on the path hides others that take the same operands.
        let mut seen: Vec<[Oid; 2]> = Vec::with_capacity(rows.len());
        rows.retain(|(_, row)| {
            let new = !seen.contains(&row.types());
            seen.push(row.types());
            new
        });
    }
    let of = |l: Oid, r: Oid| rows.iter().position(|(_, row)| row.types() == [l, r]);
    let exact = match (left, right) {
        (UNKNOWN, UNKNOWN) => None,
        (UNKNOWN, ty) | (ty, UNKNOWN) if left != 0 => {
            let same = |ty: Oid| of(ty, ty);
            same(ty).or_else(|| same(info::base_type(ty)))
        }
        _ => None,
    };
    if let Some(at) = exact.or_else(|| of(left, right)) {
        return finish(rows[at].1, name, left, right);
    }
    let choice = if left == 0 {
        let types: Vec<[Oid; 1]> = rows.iter().map(|(_, row)| [row.types()[1]]).collect();
        choose(&[right], &types.iter().map(<[Oid; 1]>::as_slice).collect::<Vec<_>>())
    } else {
        let types: Vec<[Oid; 2]> = rows.iter().map(|(_, row)| row.types()).collect();
        choose(&[left, right], &types.iter().map(<[Oid; 2]>::as_slice).collect::<Vec<_>>())
    };
    match choice {
        Choice::Best(i) => finish(rows[i].1, name, left, right),
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

fn finish(row: Row<'_>, name: &str, left: Oid, right: Oid) -> Result<OperatorMatch> {
    let result = match row {
        Row::Builtin(o) => o.result,
        Row::User(o) if o.function == 0 => {
            return Err(sql_err!(
                UNDEFINED_FUNCTION,
                "operator is only a shell: {}",
                text(name, left, right)
            ));
        }
        Row::User(o) => o.result,
    };
    let [declared_left, declared_right] = row.types();
    let (left, right, result) = if declared_left == 0 {
        let mut declared = [declared_right];
        let result = solve(&[right], &mut declared, result)?;
        (0, declared[0], result)
    } else {
        let mut declared = [declared_left, declared_right];
        let result = solve(&[left, right], &mut declared, result)?;
        (declared[0], declared[1], result)
    };
    Ok(match row {
        Row::Builtin(operator) => {
            let func = function_by_oid(operator.function)
                .ok_or_else(|| SqlError::internal("operator without function"))?;
            OperatorMatch::Builtin(OperatorResolution { operator, func, left, right, result })
        }
        Row::User(operator) => OperatorMatch::User { operator: operator.clone(), left, right, result },
    })
}

fn text(name: &str, left: Oid, right: Oid) -> String {
    match left {
        0 => format!("{name} {}", display(right)),
        _ => format!("{} {name} {}", display(left), display(right)),
    }
}
