//! Schemas, databases, roles and privileges.

#![allow(missing_docs, reason = "fields carry the grammar's own names; each type is documented")]

use super::{Def, FunctionRef, Ident, ObjectKind, ObjectName, Pos, SetVariable, Statement};

/// CREATE SCHEMA with its elements.
#[derive(Debug)]
pub struct CreateSchema {
    pub if_not_exists: bool,
    pub name: Option<Ident>,
    pub authorization: Option<RoleSpec>,
    pub elements: Vec<Statement>,
}

/// CREATE DATABASE.
#[derive(Debug)]
pub struct CreateDatabase {
    pub name: Ident,
    pub options: Vec<Def>,
}

/// ALTER DATABASE.
#[derive(Debug)]
pub struct AlterDatabase {
    pub name: Ident,
    pub action: AlterDatabaseAction,
}

/// What ALTER DATABASE does.
#[derive(Debug)]
pub enum AlterDatabaseAction {
    Options(Vec<Def>),
    SetTablespace(Ident),
    Set(SetVariable),
    RefreshCollationVersion,
}

/// DROP DATABASE.
#[derive(Debug)]
pub struct DropDatabase {
    pub name: Ident,
    pub if_exists: bool,
    /// `WITH (FORCE)`
    pub options: Vec<Def>,
}

/// A role by name or by what it is.
#[derive(Clone, Debug)]
pub struct RoleSpec {
    pub kind: RoleKind,
    pub pos: Pos,
}

/// Which role.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RoleKind {
    Name(Box<str>),
    CurrentRole,
    CurrentUser,
    SessionUser,
    Public,
}

/// CREATE ROLE, USER (LOGIN by default) or GROUP.
#[derive(Debug)]
pub struct CreateRole {
    pub kind: CreateRoleKind,
    pub name: Ident,
    pub options: Vec<RoleOption>,
}

/// The word after CREATE.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CreateRoleKind {
    Role,
    User,
    Group,
}

/// An option of a role with its place.
#[derive(Debug)]
pub struct RoleOption {
    pub kind: RoleOptionKind,
    pub pos: Pos,
}

/// What a role's option says.
#[derive(Debug)]
pub enum RoleOptionKind {
    Superuser(bool),
    CreateDb(bool),
    CreateRole(bool),
    Inherit(bool),
    Login(bool),
    Replication(bool),
    BypassRls(bool),
    ConnectionLimit(i32),
    /// `None`: PASSWORD NULL
    Password(Option<Box<str>>),
    ValidUntil(Box<str>),
    InRole(Vec<RoleSpec>),
    /// `ROLE ..` / `USER ..`: members
    Members(Vec<RoleSpec>),
    Admins(Vec<RoleSpec>),
    SysId(i32),
}

/// ALTER ROLE options, ALTER GROUP ADD | DROP USER.
#[derive(Debug)]
pub struct AlterRole {
    pub role: RoleSpec,
    pub options: Vec<RoleOption>,
    /// ALTER GROUP: `true` adds, `false` drops the members in `options`.
    pub add_members: Option<bool>,
}

/// ALTER ROLE .. [IN DATABASE ..] SET | RESET
#[derive(Debug)]
pub struct AlterRoleSet {
    /// `None`: ALL
    pub role: Option<RoleSpec>,
    pub database: Option<Ident>,
    pub set: SetVariable,
}

/// DROP ROLE.
#[derive(Debug)]
pub struct DropRole {
    pub roles: Vec<RoleSpec>,
    pub if_exists: bool,
}

/// GRANT and REVOKE of privileges.
#[derive(Debug)]
pub struct Grant {
    pub is_grant: bool,
    /// Empty: ALL
    pub privileges: Vec<Privilege>,
    /// `ALL (a, b)`
    pub all_columns: Vec<Ident>,
    pub target: GrantTarget,
    pub grantees: Vec<RoleSpec>,
    /// WITH GRANT OPTION, or GRANT OPTION FOR
    pub grant_option: bool,
    pub granted_by: Option<RoleSpec>,
    pub cascade: bool,
}

/// A privilege, perhaps of single columns.
#[derive(Debug)]
pub struct Privilege {
    pub name: Ident,
    pub columns: Vec<Ident>,
}

/// What a privilege is on.
#[derive(Debug)]
pub enum GrantTarget {
    /// `kind` has one name each: TABLE, SEQUENCE, DATABASE, SCHEMA, DOMAIN, LANGUAGE, TABLESPACE, TYPE, ..
    Objects {
        kind: ObjectKind,
        names: Vec<ObjectName>,
    },
    Functions {
        kind: ObjectKind,
        functions: Vec<FunctionRef>,
    },
    LargeObjects(Vec<Box<str>>),
    Parameters(Vec<Box<str>>),
    /// `ALL TABLES IN SCHEMA ..`
    AllInSchema {
        kind: ObjectKind,
        schemas: Vec<Ident>,
    },
    /// `ON TABLES` of ALTER DEFAULT PRIVILEGES
    Defaults(ObjectKind),
}

/// GRANT and REVOKE of roles.
#[derive(Debug)]
pub struct GrantRole {
    pub is_grant: bool,
    pub roles: Vec<Privilege>,
    pub grantees: Vec<RoleSpec>,
    /// `WITH ADMIN | INHERIT | SET ..`; without a value: OPTION
    pub options: Vec<Def>,
    pub granted_by: Option<RoleSpec>,
    pub cascade: bool,
}

/// ALTER DEFAULT PRIVILEGES.
#[derive(Debug)]
pub struct AlterDefaultPrivileges {
    pub schemas: Vec<Ident>,
    pub roles: Vec<RoleSpec>,
    pub grant: Grant,
}
