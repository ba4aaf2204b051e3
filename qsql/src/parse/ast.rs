//! The syntax tree: what PostgreSQL's grammar says, and nothing of what it means.
//!
//! A statement is one [`Ast`]: its [`Statement`] and three arenas for everything recursive.
//!
//! ```text
//!   Ast ── statement: Query(q7)
//!       ── exprs:   [e0: Column a] [e1: Int 1] [e2: e0 = e1] ...     ast[ExprId]
//!       ── queries: [q0: SELECT ...]   ... [q7: q0 UNION q6]         ast[QueryId]
//!       ── froms:   [f0: table t] [f1: table u] [f2: f0 JOIN f1]     ast[FromId]
//! ```
//!
//! 1. A child is always older than its parent: ids in a node are smaller than the node's own.
//! 2. Nothing recursive is boxed, so that dropping a tree never recurses, however long its operator chains are.
//! 3. Every [`Expr`] knows its height; the parser refuses trees higher than [`super::MAX_EXPR_HEIGHT`] with 54001, so
//!    a reader may recurse if a frame stays below (stack size / that limit). AND and OR chains are flat lists.
//! 4. Every position is a byte offset into the text given to the parser. An expression's `pos` is the place that
//!    PostgreSQL's errors name (`A_Expr.location`: an operator's token, a function's name, a cast's `::`);
//!    [`Ast::start_of`] gives the leftmost one (`exprLocation`).
//! 5. Names are folded to lower case and truncated to 63 bytes as PostgreSQL does; they are never resolved.
//!
//! Sources: PostgreSQL 18 manual, part VI "Reference: SQL Commands", and chapter 4 "SQL Syntax".

mod ddl;
mod dml;
mod expr;
mod object;
mod policy;
mod query;
mod role;
mod routine;
mod utility;

pub use ddl::*;
pub use dml::*;
pub use expr::*;
pub use object::*;
pub use policy::*;
pub use query::*;
pub use role::*;
pub use routine::*;
pub use utility::*;

use super::qsql::QsqlStatement;
use crate::error::SqlError;
use std::ops::{Deref, Index};

/// A byte offset into the statement's text.
pub type Pos = u32;

/// An identifier as written: folded, unquoted, with its place.
#[derive(Clone, PartialEq, Eq)]
pub struct Ident {
    /// The name after folding and unquoting.
    pub name: Box<str>,
    /// Where it stands.
    pub pos: Pos,
}

impl Ident {
    /// Makes an identifier.
    pub fn new(name: impl Into<Box<str>>, pos: Pos) -> Self {
        Ident { name: name.into(), pos }
    }
}

impl Deref for Ident {
    type Target = str;
    fn deref(&self) -> &str {
        &self.name
    }
}

impl std::fmt::Debug for Ident {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}@{}", self.name, self.pos)
    }
}

/// A possibly qualified name: `[object]`, `[schema, object]` or `[catalog, schema, object]`; never empty.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ObjectName(pub Box<[Ident]>);

impl ObjectName {
    /// Returns the unqualified name.
    pub fn object(&self) -> &Ident {
        &self.0[self.0.len() - 1]
    }

    /// Returns the schema, if one was written.
    pub fn schema(&self) -> Option<&Ident> {
        self.0.len().checked_sub(2).map(|i| &self.0[i])
    }

    /// Returns the database, if one was written.
    pub fn catalog(&self) -> Option<&Ident> {
        self.0.len().checked_sub(3).map(|i| &self.0[i])
    }

    /// Returns where the name starts.
    pub fn pos(&self) -> Pos {
        self.0[0].pos
    }
}

impl std::fmt::Display for ObjectName {
    /// Dotted and unquoted, as PostgreSQL's messages print it.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        for (i, part) in self.0.iter().enumerate() {
            if i > 0 {
                f.write_str(".")?;
            }
            f.write_str(part)?;
        }
        Ok(())
    }
}

/// Names an [`Expr`] of its [`Ast`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ExprId(pub(super) u32);

/// Names a [`Query`] of its [`Ast`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct QueryId(pub(super) u32);

/// Names a [`FromItem`] of its [`Ast`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct FromId(pub(super) u32);

/// One statement's tree. Index it with [`ExprId`], [`QueryId`] and [`FromId`].
#[derive(Debug)]
pub struct Ast {
    /// The statement; its ids point into this tree.
    pub statement: Statement,
    /// The highest `$n` used; 0 without parameters.
    pub max_param: u32,
    /// Whether the query is a cursor's: WHERE CURRENT OF asks which rows of tables its rows are.
    pub cursor: bool,
    /// Notices of the parser (PostgreSQL's `identifier "..." will be truncated`), to be sent before the result.
    pub notices: Vec<SqlError>,
    pub(super) exprs: Vec<Expr>,
    pub(super) queries: Vec<Query>,
    pub(super) froms: Vec<FromItem>,
}

impl Ast {
    /// The leftmost query of a set operation, or the query itself: the one that may have INTO.
    pub fn first_term(&self, mut query: QueryId) -> QueryId {
        while let QueryBody::SetOp { left, .. } = &self[query].body {
            query = *left;
        }
        query
    }

    /// Returns how many expressions the tree has (ids are dense): for side tables indexed by [`ExprId::index`].
    pub fn expr_count(&self) -> usize {
        self.exprs.len()
    }

    /// Returns the leftmost position of an expression, as PostgreSQL's `exprLocation`.
    pub fn start_of(&self, mut id: ExprId) -> Pos {
        let mut start = self[id].pos;
        loop {
            id = match &self[id].kind {
                ExprKind::Binary { left, .. }
                | ExprKind::IsDistinct { left, .. }
                | ExprKind::Quantified { left, .. }
                | ExprKind::QuantifiedQuery { left, .. } => *left,
                ExprKind::IsNull { arg, .. }
                | ExprKind::IsBool { arg, .. }
                | ExprKind::IsNormalized { arg, .. }
                | ExprKind::IsJson { arg, .. }
                | ExprKind::IsDocument { arg, .. }
                | ExprKind::InList { arg, .. }
                | ExprKind::InQuery { arg, .. }
                | ExprKind::Between { arg, .. }
                | ExprKind::Like { arg, .. }
                | ExprKind::Cast { arg, .. }
                | ExprKind::Collate { arg, .. }
                | ExprKind::Field { arg, .. }
                | ExprKind::FieldStar { arg }
                | ExprKind::Subscript { arg, .. } => *arg,
                ExprKind::And(items) | ExprKind::Or(items) => items[0],
                _ => return start,
            };
            start = start.min(self[id].pos);
        }
    }
}

impl ExprId {
    /// The id as an index below [`Ast::expr_count`].
    pub fn index(self) -> usize {
        self.0 as usize
    }
}

impl QueryId {
    /// The id as an index.
    pub fn index(self) -> usize {
        self.0 as usize
    }
}

impl FromId {
    /// The id as an index.
    pub fn index(self) -> usize {
        self.0 as usize
    }
}

impl Index<ExprId> for Ast {
    type Output = Expr;
    fn index(&self, id: ExprId) -> &Expr {
        &self.exprs[id.0 as usize]
    }
}

impl Index<QueryId> for Ast {
    type Output = Query;
    fn index(&self, id: QueryId) -> &Query {
        &self.queries[id.0 as usize]
    }
}

impl Index<FromId> for Ast {
    type Output = FromItem;
    fn index(&self, id: FromId) -> &FromItem {
        &self.froms[id.0 as usize]
    }
}

/// A statement of PostgreSQL 18 or of QSQL.
#[derive(Debug)]
#[allow(missing_docs, reason = "the variants carry the commands' names; their structs are documented")]
pub enum Statement {
    // Queries and data.
    Query(QueryId),
    Insert(Box<Insert>),
    Update(Box<Update>),
    Delete(Box<Delete>),
    Merge(Box<Merge>),
    Truncate(Box<Truncate>),
    Copy(Box<Copy>),
    // Definitions.
    CreateTable(Box<CreateTable>),
    CreateTableAs(Box<CreateTableAs>),
    AlterTable(Box<AlterTable>),
    CreateIndex(Box<CreateIndex>),
    CreateSequence(Box<CreateSequence>),
    AlterSequence(Box<AlterSequence>),
    CreateView(Box<CreateView>),
    RefreshMaterializedView(Box<RefreshMaterializedView>),
    CreateSchema(Box<CreateSchema>),
    CreatePolicy(Box<CreatePolicy>),
    AlterPolicy(Box<AlterPolicy>),
    CreateDatabase(Box<CreateDatabase>),
    AlterDatabase(Box<AlterDatabase>),
    DropDatabase(Box<DropDatabase>),
    CreateRole(Box<CreateRole>),
    AlterRole(Box<AlterRole>),
    AlterRoleSet(Box<AlterRoleSet>),
    DropRole(Box<DropRole>),
    Grant(Box<Grant>),
    GrantRole(Box<GrantRole>),
    AlterDefaultPrivileges(Box<AlterDefaultPrivileges>),
    CreateType(Box<CreateType>),
    AlterEnum(Box<AlterEnum>),
    CreateDomain(Box<CreateDomain>),
    AlterDomain(Box<AlterDomain>),
    CreateFunction(Box<CreateFunction>),
    AlterFunction(Box<AlterFunction>),
    CreateAggregate(Box<CreateAggregate>),
    CreateOperator(Box<CreateOperator>),
    CreateCast(Box<CreateCast>),
    CreateExtension(Box<CreateExtension>),
    AlterExtension(Box<AlterExtension>),
    Drop(Box<Drop>),
    Rename(Box<Rename>),
    AlterOwner(Box<AlterOwner>),
    AlterObjectSchema(Box<AlterObjectSchema>),
    Comment(Box<Comment>),
    SecurityLabel(Box<SecurityLabel>),
    ReassignOwned {
        roles: Vec<RoleSpec>,
        to: RoleSpec,
    },
    DropOwned {
        roles: Vec<RoleSpec>,
        cascade: bool,
    },
    // Transactions.
    Begin(TransactionModes),
    Commit {
        chain: bool,
    },
    Rollback {
        chain: bool,
    },
    Savepoint(Ident),
    ReleaseSavepoint(Ident),
    RollbackTo(Ident),
    PrepareTransaction(Box<str>),
    CommitPrepared(Box<str>),
    RollbackPrepared(Box<str>),
    SetConstraints {
        names: Option<Vec<ObjectName>>,
        deferred: bool,
    },
    // Settings.
    Set(Box<SetVariable>),
    Show(ShowTarget),
    Discard(DiscardTarget),
    AlterSystem(Box<SetVariable>),
    // Prepared statements and cursors.
    Prepare(Box<Prepare>),
    Execute(Box<Execute>),
    Deallocate(Option<Ident>),
    DeclareCursor(Box<DeclareCursor>),
    Fetch(Box<Fetch>),
    CloseCursor(Option<Ident>),
    // Others.
    Explain(Box<Explain>),
    Listen(Ident),
    Unlisten(Option<Ident>),
    Notify {
        channel: Ident,
        payload: Option<Box<str>>,
    },
    Lock(Box<Lock>),
    Vacuum(Box<Vacuum>),
    Reindex(Box<Reindex>),
    Cluster(Box<Cluster>),
    Checkpoint {
        options: Vec<Def>,
    },
    Do {
        options: Vec<Def>,
    },
    Call(ExprId),
    Load(Box<str>),
    /// A statement of ours.
    Qsql(Box<QsqlStatement>),
    /// A statement of PostgreSQL's that is recognised and not taken apart: `what` is its name, `CREATE TRIGGER`.
    Unsupported {
        what: String,
    },
}
