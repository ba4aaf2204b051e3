//! Row-level security: which rows of a table may be seen and written by whom.
//!
//! Source: PostgreSQL manual, section 5.9 "Row Security Policies".

use std::sync::Arc;

use crate::types::Oid;

/// The row-level security of a table.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RowSecurity {
    /// `relrowsecurity`
    pub enabled: bool,
    /// `relforcerowsecurity`: for the owner, too.
    pub forced: bool,
    /// The policies, in order of their names.
    pub policies: Vec<Policy>,
}

impl RowSecurity {
    /// Finds a policy by name.
    pub fn policy(&self, name: &str) -> Option<&Policy> {
        self.policies.iter().find(|p| *p.name == *name)
    }
}

/// A policy.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Policy {
    /// `pg_policy.oid`
    pub oid: Oid,
    /// `polname`
    pub name: Box<str>,
    /// `polcmd`
    pub command: PolicyCommand,
    /// `polpermissive`: one of these suffices, where all others must hold.
    pub permissive: bool,
    /// `polroles`: whom it is for; 0 for everybody.
    pub roles: Vec<Oid>,
    /// `polqual`: the rows that are there. Its text is `SELECT condition FROM table`, with all names explicit.
    pub using: Option<Arc<str>>,
    /// `polwithcheck`: the rows that are written; as `using`.
    pub check: Option<Arc<str>>,
}

/// What a policy is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PolicyCommand {
    /// All commands.
    All,
    /// Reading.
    Select,
    /// New rows.
    Insert,
    /// Changes of rows.
    Update,
    /// Rows that go.
    Delete,
}

impl PolicyCommand {
    /// `polcmd`
    pub fn letter(self) -> u8 {
        match self {
            PolicyCommand::All => b'*',
            PolicyCommand::Select => b'r',
            PolicyCommand::Insert => b'a',
            PolicyCommand::Update => b'w',
            PolicyCommand::Delete => b'd',
        }
    }

    /// Whether a policy for this command says something about another one.
    pub fn covers(self, other: PolicyCommand) -> bool {
        self == PolicyCommand::All || self == other
    }
}
