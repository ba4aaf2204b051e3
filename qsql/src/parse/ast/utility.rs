//! Transactions, settings, prepared statements, cursors, EXPLAIN and maintenance.

#![allow(missing_docs, reason = "fields carry the grammar's own names; each type is documented")]

use super::{ExprId, Ident, ObjectName, OperatorName, Pos, QueryId, RelationRef, Statement, TypeName};

/// `[namespace.]name [= value]`: an option of a definition list (PostgreSQL's DefElem).
#[derive(Debug)]
pub struct Def {
    pub namespace: Option<Ident>,
    pub name: Ident,
    pub value: Option<DefValue>,
}

/// The value of an option.
#[derive(Debug)]
pub enum DefValue {
    /// A bare word: `true`, `on`, `csv`, `none`.
    Word(Box<str>),
    Str(Box<str>),
    /// A number with its sign, as written.
    Number(Box<str>),
    /// A type name that is not a bare word: `float8`, `a.b`, `int[]`.
    Type(Box<TypeName>),
    Operator(Box<OperatorName>),
    /// `*`
    Star,
    List(Vec<DefValue>),
}

/// ISOLATION LEVEL, READ ONLY, DEFERRABLE; `None`: not written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct TransactionModes {
    pub isolation: Option<Isolation>,
    pub read_only: Option<bool>,
    pub deferrable: Option<bool>,
}

/// The isolation levels.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Isolation {
    ReadUncommitted,
    ReadCommitted,
    RepeatableRead,
    Serializable,
}

/// SET and RESET. `SET TIME ZONE`, `SET NAMES`, `SET ROLE`, `SET SESSION AUTHORIZATION` come under their
/// settings' names (`timezone`, `client_encoding`, `role`, `session_authorization`).
#[derive(Debug)]
pub struct SetVariable {
    pub scope: SetScope,
    pub action: SetAction,
}

/// How long a setting lasts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SetScope {
    Session,
    Local,
}

/// What SET does.
#[derive(Debug)]
pub enum SetAction {
    Value {
        name: Box<str>,
        values: Vec<SetValue>,
    },
    Default {
        name: Box<str>,
    },
    FromCurrent {
        name: Box<str>,
    },
    Reset {
        name: Box<str>,
    },
    ResetAll,
    /// `SET TRANSACTION ..`
    Transaction(TransactionModes),
    /// `SET TRANSACTION SNAPSHOT '..'`
    TransactionSnapshot(Box<str>),
    /// `SET SESSION CHARACTERISTICS AS TRANSACTION ..`
    SessionCharacteristics(TransactionModes),
}

/// A value of SET.
#[derive(Debug)]
pub enum SetValue {
    /// A word (folded) or a string.
    Text(Box<str>),
    /// A number with its sign.
    Number(Box<str>),
    /// `TIME ZONE INTERVAL '..' [fields]`
    Interval { text: Box<str>, ty: Box<TypeName> },
}

/// `SHOW name | ALL`
#[derive(Debug)]
pub enum ShowTarget {
    Name(Box<str>),
    All,
}

/// DISCARD.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DiscardTarget {
    All,
    Plans,
    Sequences,
    Temporary,
}

/// PREPARE. `statement` is a query, INSERT, UPDATE, DELETE or MERGE.
#[derive(Debug)]
pub struct Prepare {
    pub name: Ident,
    pub types: Vec<TypeName>,
    pub statement: Statement,
    /// The prepared statement's text.
    pub start: Pos,
    pub end: Pos,
}

/// EXECUTE.
#[derive(Debug)]
pub struct Execute {
    pub name: Ident,
    pub args: Vec<ExprId>,
}

/// DECLARE CURSOR.
#[derive(Debug)]
pub struct DeclareCursor {
    pub name: Ident,
    pub binary: bool,
    /// `[NO] SCROLL`
    pub scroll: Option<bool>,
    /// `true`: INSENSITIVE, `false`: ASENSITIVE
    pub insensitive: Option<bool>,
    pub hold: bool,
    pub query: QueryId,
    pub start: Pos,
    pub end: Pos,
}

/// FETCH and MOVE.
#[derive(Debug)]
pub struct Fetch {
    pub cursor: Ident,
    pub direction: FetchDirection,
    pub count: FetchCount,
    /// MOVE: returns no rows.
    pub is_move: bool,
}

/// Where FETCH goes; FIRST, LAST, NEXT and PRIOR are ABSOLUTE 1, ABSOLUTE -1, FORWARD 1 and BACKWARD 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FetchDirection {
    Forward,
    Backward,
    Absolute,
    Relative,
}

/// How far FETCH goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FetchCount {
    All,
    Count(i64),
}

/// EXPLAIN.
#[derive(Debug)]
pub struct Explain {
    /// Both syntaxes: `EXPLAIN ANALYZE VERBOSE` gives `analyze` and `verbose`.
    pub options: Vec<Def>,
    pub statement: Statement,
}

/// LOCK TABLE.
#[derive(Debug)]
pub struct Lock {
    pub tables: Vec<RelationRef>,
    pub mode: LockMode,
    pub nowait: bool,
}

/// The table locks, weakest first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum LockMode {
    AccessShare,
    RowShare,
    RowExclusive,
    ShareUpdateExclusive,
    Share,
    ShareRowExclusive,
    Exclusive,
    AccessExclusive,
}

/// VACUUM and ANALYZE.
#[derive(Debug)]
pub struct Vacuum {
    pub is_vacuum: bool,
    /// Both syntaxes: `VACUUM FULL ANALYZE` gives `full` and `analyze`.
    pub options: Vec<Def>,
    /// Empty: everything.
    pub targets: Vec<VacuumTarget>,
}

/// A table, and perhaps its columns, to be analysed.
#[derive(Debug)]
pub struct VacuumTarget {
    pub table: RelationRef,
    pub columns: Vec<Ident>,
}

/// REINDEX.
#[derive(Debug)]
pub struct Reindex {
    pub kind: ReindexKind,
    /// `None` for SYSTEM or DATABASE without a name.
    pub name: Option<ObjectName>,
    pub concurrently: bool,
    pub options: Vec<Def>,
}

/// What REINDEX rebuilds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ReindexKind {
    Index,
    Table,
    Schema,
    System,
    Database,
}

/// CLUSTER.
#[derive(Debug)]
pub struct Cluster {
    pub table: Option<ObjectName>,
    pub index: Option<Ident>,
    pub options: Vec<Def>,
}
