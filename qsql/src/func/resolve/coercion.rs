//! From one type to another: what may be coerced where, and how.

use super::super::category::{array_of, category, element_of};
use super::super::{CastContext, CastMethod, Function, cast, function_by_oid, table};
use super::polymorphic::{is_polymorphic, solves};
use crate::catalog::UserCastMethod;
use crate::types::oid::{ANY, INT2VECTOR, INT4, OIDVECTOR, RECORD, RECORD_ARRAY, UNKNOWN};
use crate::types::{Oid, info, user};

/// How a value of one type becomes a value of another.
#[derive(Clone, Copy, Debug)]
pub enum Coercion {
    /// Same representation.
    Relabel,
    /// By a cast function. Functions of 2 or 3 arguments also take the type modifier and whether the cast is explicit.
    Function(&'static Function),
    /// By a function that a user has made.
    Routine(Oid),
    /// By output and input function.
    InOut,
    /// Element by element; the element coercion is found between the element types.
    Array {
        /// Element type before.
        from: Oid,
        /// Element type after.
        to: Oid,
    },
}

/// Finds how a value of type `from` becomes one of type `to` in the given context; `None` when it may not.
///
/// An UNKNOWN literal needs no coercion: the target type's input function reads it. Applying a type modifier is a second
/// step that callers add when the target has one (`apply_typmod`).
pub fn find_coercion(from: Oid, to: Oid, context: CastContext) -> Option<Coercion> {
    // A domain is coerced by way of its base type, and always coercible to that.
    let (from, to) = (info::base_type(from), info::base_type(to));
    if from == to {
        return Some(Coercion::Relabel);
    }
    if to == RECORD && info::is_composite(from)
        || to == RECORD_ARRAY && element_of(from).is_some_and(info::is_composite)
    {
        return Some(Coercion::Relabel);
    }
    if let Some(row) = cast(from, to) {
        if row.context > context {
            return None;
        }
        return match row.method {
            CastMethod::Binary if from == INT4 => Some(Coercion::Function(&table::INT4_TO_OID)),
            CastMethod::Binary if to == INT4 => Some(Coercion::Function(&table::OID_TO_INT4)),
            CastMethod::Binary => Some(Coercion::Relabel),
            CastMethod::InOut => Some(Coercion::InOut),
            CastMethod::Function(oid) => function_by_oid(oid).map(Coercion::Function),
        };
    }
    if let Some(row) = user::cast(from, to) {
        if row.context > context {
            return None;
        }
        return Some(match row.method {
            UserCastMethod::Binary => Coercion::Relabel,
            UserCastMethod::InOut => Coercion::InOut,
            UserCastMethod::Function(oid) => {
                function_by_oid(oid).map_or(Coercion::Routine(oid), Coercion::Function)
            }
        });
    }
    if to != OIDVECTOR
        && to != INT2VECTOR
        && let (Some(source), Some(target)) = (element_of(from), element_of(to))
        && find_coercion(source, target, context).is_some()
    {
        return Some(Coercion::Array { from: source, to: target });
    }
    let by_text = (context >= CastContext::Assignment && category(to) == b'S')
        || (context >= CastContext::Explicit && category(from) == b'S');
    by_text.then_some(Coercion::InOut)
}

/// Whether a value of type `from` (UNKNOWN allowed) may become one of type `to`; pseudo-types accept what they stand for.
pub fn can_coerce(from: Oid, to: Oid, context: CastContext) -> bool {
    can_coerce_all(&[from], &[to], context)
}

/// [`can_coerce`] for a list of arguments at once, so that polymorphic types must agree.
pub(super) fn can_coerce_all(from: &[Oid], to: &[Oid], context: CastContext) -> bool {
    let mut generic = false;
    for (&source, &target) in from.iter().zip(to) {
        if source == target || target == ANY || source == UNKNOWN && !is_polymorphic(target) {
            continue;
        }
        if is_polymorphic(target) {
            generic = true;
            continue;
        }
        if target == RECORD_ARRAY && element_of(source) == Some(RECORD)
            || source == RECORD && (target == RECORD || info::is_composite(target))
        {
            continue;
        }
        if find_coercion(source, target, context).is_none() {
            return false;
        }
    }
    !generic || solves(from, to)
}

/// The array type over `element`, or `element` itself when there is none (an error follows elsewhere).
pub(super) fn array_or_self(element: Oid) -> Oid {
    array_of(element).unwrap_or(element)
}
