//! INSERT, UPDATE, DELETE, MERGE, TRUNCATE, COPY.

#![allow(missing_docs, reason = "fields carry the grammar's own names; each type is documented")]

use super::{
    Def, ExprId, FromId, Ident, IndexElem, ObjectName, Pos, QueryId, RelationRef, Subscript, Target, With,
};

/// INSERT.
#[derive(Debug)]
pub struct Insert {
    pub with: Option<Box<With>>,
    pub table: ObjectName,
    pub alias: Option<Ident>,
    /// Empty: all columns.
    pub columns: Vec<Assignee>,
    pub overriding: Option<Overriding>,
    pub source: InsertSource,
    pub on_conflict: Option<Box<OnConflict>>,
    pub returning: Option<Box<Returning>>,
    pub pos: Pos,
}

/// A column to be assigned, perhaps an element or field of it: `a`, `a[1]`, `a.f`.
#[derive(Debug)]
pub struct Assignee {
    pub column: Ident,
    pub path: Vec<PathStep>,
}

/// A step into a column's value.
#[derive(Debug)]
pub enum PathStep {
    Field(Ident),
    Subscript(Subscript),
}

/// `OVERRIDING SYSTEM | USER VALUE`
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Overriding {
    System,
    User,
}

/// Where the rows come from. `VALUES` is a query; a [`super::ExprKind::Default`] may stand in it.
#[derive(Debug)]
pub enum InsertSource {
    DefaultValues,
    Query(QueryId),
}

/// `ON CONFLICT [target] DO ..`
#[derive(Debug)]
pub struct OnConflict {
    pub target: Option<ConflictTarget>,
    pub action: ConflictAction,
    pub pos: Pos,
}

/// The constraint or index that ON CONFLICT speaks of.
#[derive(Debug)]
pub enum ConflictTarget {
    Index { elements: Vec<IndexElem>, filter: Option<ExprId> },
    Constraint(Ident),
}

/// What ON CONFLICT does.
#[derive(Debug)]
pub enum ConflictAction {
    Nothing,
    Update { set: Vec<Assignment>, filter: Option<ExprId> },
}

/// `a = expr` or `(a, b) = source`
#[derive(Debug)]
pub enum Assignment {
    One {
        target: Assignee,
        value: ExprId,
    },
    /// `source` is a row, a subquery, or any expression that yields a row.
    Many {
        targets: Vec<Assignee>,
        source: ExprId,
    },
}

/// `RETURNING [WITH (OLD AS o, NEW AS n)] ..`
#[derive(Debug)]
pub struct Returning {
    pub old: Option<Ident>,
    pub new: Option<Ident>,
    pub targets: Vec<Target>,
}

/// UPDATE.
#[derive(Debug)]
pub struct Update {
    pub with: Option<Box<With>>,
    pub table: RelationRef,
    pub alias: Option<Ident>,
    pub set: Vec<Assignment>,
    pub from: Vec<FromId>,
    pub filter: Option<ExprId>,
    pub returning: Option<Box<Returning>>,
    pub pos: Pos,
}

/// DELETE.
#[derive(Debug)]
pub struct Delete {
    pub with: Option<Box<With>>,
    pub table: RelationRef,
    pub alias: Option<Ident>,
    pub using: Vec<FromId>,
    pub filter: Option<ExprId>,
    pub returning: Option<Box<Returning>>,
    pub pos: Pos,
}

/// MERGE.
#[derive(Debug)]
pub struct Merge {
    pub with: Option<Box<With>>,
    pub table: RelationRef,
    pub alias: Option<Ident>,
    pub source: FromId,
    pub on: ExprId,
    pub clauses: Vec<MergeClause>,
    pub returning: Option<Box<Returning>>,
    pub pos: Pos,
}

/// `WHEN .. [AND condition] THEN action`
#[derive(Debug)]
pub struct MergeClause {
    pub matched: MergeMatch,
    pub condition: Option<ExprId>,
    pub action: MergeAction,
    pub pos: Pos,
}

/// Which rows a MERGE clause is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MergeMatch {
    Matched,
    NotMatchedBySource,
    NotMatchedByTarget,
}

/// What a MERGE clause does.
#[derive(Debug)]
pub enum MergeAction {
    Nothing,
    Delete,
    Update {
        set: Vec<Assignment>,
    },
    /// `values` is `None` for DEFAULT VALUES.
    Insert {
        columns: Vec<Assignee>,
        overriding: Option<Overriding>,
        values: Option<Vec<ExprId>>,
    },
}

/// TRUNCATE.
#[derive(Debug)]
pub struct Truncate {
    pub tables: Vec<RelationRef>,
    pub restart_identity: bool,
    pub cascade: bool,
}

/// COPY.
#[derive(Debug)]
pub struct Copy {
    pub source: CopySource,
    pub from: bool,
    pub place: CopyPlace,
    /// Both syntaxes; the old one's words come under the new one's names.
    pub options: Vec<Def>,
    pub filter: Option<ExprId>,
}

/// What COPY copies.
#[derive(Debug)]
pub enum CopySource {
    Table { name: ObjectName, columns: Vec<Ident> },
    Query(Box<super::Statement>),
}

/// Where COPY reads or writes.
#[derive(Debug)]
pub enum CopyPlace {
    /// STDIN or STDOUT
    Client,
    File(Box<str>),
    Program(Box<str>),
}
