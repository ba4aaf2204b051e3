//! Policies of row-level security.

#![allow(missing_docs, reason = "fields carry the grammar's own names; each type is documented")]

use super::{Ident, ObjectName, RoleSpec};
use crate::catalog::PolicyCommand;

/// CREATE POLICY.
#[derive(Debug)]
pub struct CreatePolicy {
    pub name: Ident,
    pub table: ObjectName,
    pub permissive: bool,
    pub command: PolicyCommand,
    pub roles: Vec<RoleSpec>,
    pub using: Option<PolicyCondition>,
    pub check: Option<PolicyCondition>,
}

/// ALTER POLICY: what is not said stays.
#[derive(Debug)]
pub struct AlterPolicy {
    pub name: Ident,
    pub table: ObjectName,
    pub roles: Option<Vec<RoleSpec>>,
    pub using: Option<PolicyCondition>,
    pub check: Option<PolicyCondition>,
}

/// Where a condition stands in the text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PolicyCondition {
    pub start: u32,
    pub end: u32,
}
