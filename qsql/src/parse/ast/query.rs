//! SELECT, VALUES, set operations, WITH and FROM.

#![allow(missing_docs, reason = "fields carry the grammar's own names; each type is documented")]

use super::{
    ExprId, FromId, Ident, JsonBehavior, ObjectName, OrderItem, Pos, QueryId, SqlJson, Statement, TypeName,
    WindowSpec,
};

/// A query expression with the clauses that apply to its whole.
#[derive(Debug)]
pub struct Query {
    pub with: Option<Box<With>>,
    pub body: QueryBody,
    pub order_by: Vec<OrderItem>,
    pub limit: Option<Limit>,
    pub offset: Option<ExprId>,
    pub locking: Vec<Locking>,
    pub pos: Pos,
    /// Height of the set operation tree; 1 without one. Bounded as expressions are.
    pub height: u32,
}

/// What a query is.
#[derive(Debug)]
pub enum QueryBody {
    /// Also `TABLE t`.
    Select(Box<Select>),
    Values(Rows),
    SetOp {
        op: SetOperator,
        all: bool,
        left: QueryId,
        right: QueryId,
        pos: Pos,
    },
}

/// UNION, INTERSECT, EXCEPT.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SetOperator {
    Union,
    Intersect,
    Except,
}

/// `LIMIT n`, `FETCH FIRST n ROWS ..`; a missing count is the constant 1, `LIMIT ALL` is the constant NULL.
#[derive(Clone, Copy, Debug)]
pub struct Limit {
    pub count: ExprId,
    pub with_ties: bool,
}

/// Rows of expressions, of any widths, without an allocation per row.
#[derive(Debug, Default)]
pub struct Rows {
    pub(crate) items: Vec<ExprId>,
    pub(crate) ends: Vec<u32>,
}

impl Rows {
    /// Returns the number of rows.
    pub fn len(&self) -> usize {
        self.ends.len()
    }

    /// Whether there is no row.
    pub fn is_empty(&self) -> bool {
        self.ends.is_empty()
    }

    /// Returns the `i`-th row.
    pub fn row(&self, i: usize) -> &[ExprId] {
        let start = if i == 0 { 0 } else { self.ends[i - 1] as usize };
        &self.items[start..self.ends[i] as usize]
    }

    /// Iterates over the rows.
    pub fn iter(&self) -> impl Iterator<Item = &[ExprId]> {
        (0..self.len()).map(|i| self.row(i))
    }
}

/// One SELECT without ORDER BY and LIMIT.
#[derive(Debug)]
pub struct Select {
    pub distinct: Distinct,
    /// May be empty.
    pub targets: Vec<Target>,
    pub into: Option<Box<IntoTable>>,
    pub from: Vec<FromId>,
    pub filter: Option<ExprId>,
    pub group_by: Vec<GroupItem>,
    /// `GROUP BY DISTINCT ..`
    pub group_distinct: bool,
    pub having: Option<ExprId>,
    pub windows: Vec<(Ident, WindowSpec)>,
    pub pos: Pos,
}

/// Duplicate removal.
#[derive(Debug)]
pub enum Distinct {
    All,
    Distinct,
    On(Vec<ExprId>),
}

/// An item of the select list or of RETURNING.
#[derive(Clone, Debug)]
pub struct Target {
    pub expr: ExprId,
    pub alias: Option<Ident>,
    pub pos: Pos,
}

/// `SELECT .. INTO [TEMP] [TABLE] name`
#[derive(Debug)]
pub struct IntoTable {
    pub persistence: Persistence,
    pub name: ObjectName,
}

/// How long a relation lives and whether it is logged.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Persistence {
    Permanent,
    Temporary,
    Unlogged,
}

/// An item of GROUP BY.
#[derive(Debug)]
pub enum GroupItem {
    Expr(ExprId),
    /// `()`
    Empty,
    /// A parenthesised group of columns comes as a [`super::ExprKind::Row`].
    Rollup(Vec<ExprId>),
    Cube(Vec<ExprId>),
    Sets(Vec<GroupItem>),
}

/// `FOR UPDATE | NO KEY UPDATE | SHARE | KEY SHARE [OF ..] [NOWAIT | SKIP LOCKED]`
#[derive(Debug)]
pub struct Locking {
    pub strength: LockStrength,
    /// Empty: all tables.
    pub of: Vec<ObjectName>,
    pub wait: LockWait,
    pub pos: Pos,
}

/// The row lock, weakest first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum LockStrength {
    KeyShare,
    Share,
    NoKeyUpdate,
    Update,
}

/// What to do about a row that somebody else holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum LockWait {
    Block,
    SkipLocked,
    NoWait,
}

/// `WITH [RECURSIVE] ..`
#[derive(Debug)]
pub struct With {
    pub recursive: bool,
    pub ctes: Vec<Cte>,
    pub pos: Pos,
}

/// One named query of WITH.
#[derive(Debug)]
pub struct Cte {
    pub name: Ident,
    pub columns: Vec<Ident>,
    /// `[NOT] MATERIALIZED`
    pub materialized: Option<bool>,
    /// A query, INSERT, UPDATE, DELETE or MERGE.
    pub statement: Statement,
    pub search: Option<Box<CteSearch>>,
    pub cycle: Option<Box<CteCycle>>,
}

/// `SEARCH BREADTH | DEPTH FIRST BY .. SET ..`
#[derive(Debug)]
pub struct CteSearch {
    pub breadth_first: bool,
    pub columns: Vec<Ident>,
    pub set: Ident,
    pub pos: Pos,
}

/// `CYCLE .. SET mark [TO v DEFAULT d] USING path`
#[derive(Debug)]
pub struct CteCycle {
    pub columns: Vec<Ident>,
    pub mark: Ident,
    /// The constants TO and DEFAULT; `true` and `false` if not written.
    pub values: Option<(ExprId, ExprId)>,
    pub path: Ident,
    pub pos: Pos,
}

/// A table expression.
#[derive(Debug)]
pub struct FromItem {
    pub kind: FromKind,
    pub pos: Pos,
    /// Height of the join tree; 1 for a leaf. Bounded as expressions are.
    pub height: u32,
}

/// What a table expression is.
#[derive(Debug)]
pub enum FromKind {
    Table {
        relation: RelationRef,
        alias: Option<Alias>,
        sample: Option<Box<TableSample>>,
    },
    Function(Box<FromFunction>),
    Subquery {
        query: QueryId,
        lateral: bool,
        alias: Option<Alias>,
    },
    Join(Box<Join>),
    JsonTable(Box<JsonTable>),
    /// Recognised and not taken apart: `XMLTABLE`.
    Unsupported(&'static str),
}

/// A relation's name; `only` excludes its descendants.
#[derive(Clone, Debug)]
pub struct RelationRef {
    pub name: ObjectName,
    pub only: bool,
}

/// `[AS] name [(columns)]`
#[derive(Clone, Debug)]
pub struct Alias {
    pub name: Ident,
    pub columns: Vec<Ident>,
}

/// A function in FROM, or several in ROWS FROM.
#[derive(Debug)]
pub struct FromFunction {
    pub lateral: bool,
    pub rows_from: bool,
    pub functions: Vec<FromCall>,
    pub ordinality: bool,
    /// With a column definition list and no alias name, the name is empty.
    pub alias: Option<Alias>,
    /// `AS [alias] (a int, b text)`
    pub columns: Vec<ColumnSpec>,
}

/// `JSON_TABLE(context, path PASSING .. COLUMNS (..) .. ON ERROR)`
#[derive(Debug)]
pub struct JsonTable {
    pub lateral: bool,
    pub context: ExprId,
    /// FORMAT JSON of the context.
    pub format: bool,
    pub root: JsonTablePath,
    pub passing: Vec<JsonTableArg>,
    pub on_error: Option<JsonBehavior>,
    pub alias: Option<Alias>,
}

/// `value [FORMAT JSON] AS name`
#[derive(Debug)]
pub struct JsonTableArg {
    pub value: ExprId,
    pub format: bool,
    pub name: Ident,
}

/// A path of rows, and what is made of each of its items.
#[derive(Debug)]
pub struct JsonTablePath {
    pub path: Box<str>,
    pub pos: Pos,
    pub name: Option<Ident>,
    pub columns: Vec<JsonTableColumn>,
}

/// An item of COLUMNS.
#[derive(Debug)]
pub enum JsonTableColumn {
    /// `name FOR ORDINALITY`
    Ordinality(Ident),
    /// `NESTED PATH ..`
    Nested(JsonTablePath),
    /// `name type [EXISTS | FORMAT JSON] [PATH path] ..`
    Value {
        name: Ident,
        /// Where it differs from the name.
        path: Option<(Box<str>, Pos)>,
        /// The form, the type and the clauses; no arguments.
        call: SqlJson,
    },
}

/// One function of ROWS FROM with its own column definition list.
#[derive(Debug)]
pub struct FromCall {
    pub call: ExprId,
    pub columns: Vec<ColumnSpec>,
}

/// `name type [COLLATE ..]` of a column definition list.
#[derive(Clone, Debug)]
pub struct ColumnSpec {
    pub name: Ident,
    pub ty: TypeName,
    pub collation: Option<ObjectName>,
}

/// `TABLESAMPLE method (args) [REPEATABLE (seed)]`
#[derive(Debug)]
pub struct TableSample {
    pub method: ObjectName,
    pub args: Vec<ExprId>,
    pub repeatable: Option<ExprId>,
    pub pos: Pos,
}

/// A join.
#[derive(Debug)]
pub struct Join {
    pub kind: JoinKind,
    pub left: FromId,
    pub right: FromId,
    pub condition: JoinCondition,
    /// Of `(a JOIN b ..) AS x`
    pub alias: Option<Alias>,
}

/// The kinds of join; CROSS is an inner join without condition.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum JoinKind {
    Inner,
    Left,
    Right,
    Full,
}

/// What joins two rows.
#[derive(Debug)]
pub enum JoinCondition {
    Cross,
    On(ExprId),
    Using { columns: Vec<Ident>, alias: Option<Ident> },
    Natural,
}
