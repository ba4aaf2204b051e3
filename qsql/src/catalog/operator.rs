//! Operators and casts that users have made.

use crate::func::CastContext;
use crate::types::Oid;

/// A row of `pg_operator`.
#[derive(Clone, Debug, PartialEq)]
pub struct UserOperator {
    /// `oid`
    pub oid: Oid,
    /// `oprnamespace`
    pub namespace: Oid,
    /// Name of the schema.
    pub schema: Box<str>,
    /// `oprname`
    pub name: Box<str>,
    /// `oprowner`
    pub owner: Oid,
    /// `oprleft`: 0 for a prefix operator.
    pub left: Oid,
    /// `oprright`
    pub right: Oid,
    /// `oprresult`: 0 for a shell.
    pub result: Oid,
    /// `oprcode`: 0 for a shell, which only another operator has named so far.
    pub function: Oid,
    /// `oprcom`
    pub commutator: Oid,
    /// `oprnegate`
    pub negator: Oid,
    /// `oprrest`
    pub restriction: Oid,
    /// `oprjoin`
    pub join: Oid,
    /// `oprcanhash`
    pub hashes: bool,
    /// `oprcanmerge`
    pub merges: bool,
}

/// How a user's cast is done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum UserCastMethod {
    /// By the function with this OID.
    Function(Oid),
    /// The bits are the same.
    Binary,
    /// By output and input function.
    InOut,
}

/// A row of `pg_cast` that a user has made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UserCast {
    /// `oid`
    pub oid: Oid,
    /// `castsource`
    pub source: Oid,
    /// `casttarget`
    pub target: Oid,
    /// `castcontext`
    pub context: CastContext,
    /// `castmethod`
    pub method: UserCastMethod,
}
