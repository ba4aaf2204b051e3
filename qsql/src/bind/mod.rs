//! Binding: from the syntax tree to the logical algebra, with every name resolved and every type known.
//!
//! ```text
//!   bind ── query ── select ── from        namespaces, joins, functions, views
//!     |        |        |`──── group       GROUP BY, aggregates, windows
//!     |        |        `───── expr, call  expressions by PostgreSQL's type rules (func::resolve)
//!     |        `────── with               common table expressions
//!     `─ insert, modify (update, delete), merge, returning, target
//!
//!   resolution, written                what names mean and how the parts were put, noted for
//!     `─ definition                    the text of a view as PostgreSQL prints it
//! ```
//!
//! 1. Every column of the statement has its own [`ColumnId`]; a reference to an outer query is just the outer id.
//! 2. `unknown` literals and parameters get their type where they are coerced; nothing of type `unknown` leaves the binder.
//! 3. Aggregates and window calls are bound in place as expressions and taken out when the query level is complete
//!    (`group`): only then is it known which columns are grouped.
//! 4. Recursion over expressions is bounded: left-deep operator chains are walked in a loop, other nesting is counted
//!    and refused with 54001.
//!
//! Source: PostgreSQL 18 manual, chapters 7 "Queries", 10 "Type Conversion", and the SELECT, INSERT, UPDATE, DELETE, MERGE pages.

mod aggregate;
mod assign;
mod call;
mod coerce;
mod comparison;
mod copy;
mod definition;
mod expr;
mod foreign_key;
mod from;
mod group;
mod insert;
mod json;
mod json_table;
mod lens;
mod merge;
mod modify;
mod naming;
mod operator;
mod part;
mod policy;
mod query;
mod resolution;
mod returning;
mod routine;
mod sample;
mod scope;
mod search;
mod select;
mod stored;
mod subquery;
mod target;
#[cfg(test)]
mod tests;
mod types;
mod user_aggregate;
mod with;
mod written;

pub use assign::bind_default;
pub use coerce::collation_of;
pub use copy::{CopyTarget, bind_copy_target};
pub use definition::{DefinitionStyle, condition_definition, view_definition};
pub use foreign_key::{bind_foreign_key, conversion};
pub use lens::{Updatable, expand_virtual, updatable, view_obstacle};
pub use naming::expression_name;
pub use policy::bind_policy_condition;
pub use resolution::{Resolution, bind_stored_query, bind_view_query, explicit_text};
pub(crate) use routine::inline_scalar;
pub use routine::{BoundCall, add_context, bind_body, bind_body_call, bind_call_statement, check_empty_body};
pub use stored::{
    StoredKind, bind_expression, bind_parsed_expression, bind_printed_expression, bind_type_name,
    bind_type_text, bind_written_expression,
};
pub use target::write_target;
pub use types::bind_routine_type;

use std::sync::Arc;

use hashbrown::HashMap;

use crate::catalog::{Catalog, Relation, Routine};
use crate::error::{Result, SqlError};
use crate::func::Body;
use crate::parse::ast::{Ast, QueryId, Statement};
use crate::plan::expr::{ColumnId, Expr, ExprKind};
use crate::plan::logical::{Logical, LogicalCte, Subquery};
use crate::plan::physical::{Command, OutputColumn, RelationUse};
use crate::sql_err;
use crate::types::{DataType, IoContext, Oid, info, oid, rowtype};

/// What binding and optimising see beside the statement.
#[derive(Clone, Copy)]
pub struct BindContext<'a> {
    /// The objects, under the statement's snapshot and search path.
    pub catalog: &'a dyn Catalog,
    /// Declared types of `$1`, `$2`, ...; 0 where none was declared. Further ones are inferred.
    pub params: &'a [Oid],
    /// How literals are read.
    pub io: &'a IoContext<'a>,
}

/// A bound statement: its algebra and what Describe tells of it.
#[derive(Clone, Debug)]
pub struct Bound {
    /// The plan.
    pub plan: Logical,
    /// The ids of the result's columns, parallel to `columns`.
    pub outputs: Vec<ColumnId>,
    /// The result's columns; empty for DML without RETURNING.
    pub columns: Vec<OutputColumn>,
    /// Types of the parameters.
    pub params: Vec<DataType>,
    /// Decides the command tag.
    pub command: Command,
    /// Plans of subqueries, by `ExprKind::Subquery::query`.
    pub subqueries: Vec<Option<Subquery>>,
    /// Common table expressions.
    pub ctes: Vec<LogicalCte>,
    /// Type of each column, by [`ColumnId`].
    pub types: Vec<DataType>,
    /// Collation of each column.
    pub collations: Vec<Oid>,
    /// Relations to lock and to check privileges on.
    pub relations: Vec<RelationUse>,
    /// Of a cursor's query: the tables whose row ids `outputs` has behind the columns.
    pub positions: Vec<Oid>,
    /// The cursors that WHERE CURRENT OF names, each with the table.
    pub cursors: Vec<(Box<str>, Arc<Relation>)>,
    /// Users' functions to check privileges on.
    pub routines: Vec<Arc<Routine>>,
    /// Whether it neither writes nor locks rows.
    pub read_only: bool,
    /// Whether it asks for the id of its transaction, which is to be assigned before.
    pub numbered: bool,
    /// Whether the plan depends on the transaction's time (`'now'::date` and the like were folded) and may not be cached.
    pub volatile_literals: bool,
}

/// Binds a SELECT, VALUES, INSERT, UPDATE, DELETE or MERGE of `ast`; `statement` may be a part of it (EXPLAIN's, PREPARE's).
///
/// # Errors
/// All that PostgreSQL's parse analysis raises, with byte offsets into the statement's text.
pub fn bind(ast: &Ast, statement: &Statement, cx: &BindContext<'_>) -> Result<Bound> {
    let mut binder = Binder::new(ast, cx);
    if let Statement::Query(query) = statement {
        binder.s.into = Some(ast.first_term(*query));
        return binder.bind_top_query(*query);
    }
    let write = binder.bind_write(statement)?;
    binder.finish(write.plan, write.outputs, write.columns, write.command)
}

/// Binds a query of `ast`: the SELECT of a view, a cursor, CREATE TABLE AS or COPY.
pub fn bind_query(ast: &Ast, query: QueryId, cx: &BindContext<'_>) -> Result<Bound> {
    Binder::new(ast, cx).bind_top_query(query)
}

/// Nesting of expressions and queries (chains do not count) beyond which 54001 is raised.
const MAX_DEPTH: u32 = 400;

/// Operators in a row, not folded, beyond which 54001 is raised: all later walks recurse over the chain.
const MAX_CHAIN: u32 = 800;

/// 54001 with PostgreSQL's text.
fn too_complex() -> SqlError {
    crate::sql_err!(STATEMENT_TOO_COMPLEX, "stack depth limit exceeded").hint(
        "Increase the configuration parameter \"max_stack_depth\" (currently 2048kB), after ensuring the platform's stack depth limit is adequate.",
    )
}

/// A field of a record: its name and type.
pub(crate) type RecordField = (Arc<str>, DataType);

/// What the binder of a statement and those of its views have in common.
#[derive(Default)]
pub(crate) struct Shared {
    /// Type of each column.
    types: Vec<DataType>,
    /// Collation of each column.
    collations: Vec<Oid>,
    /// Query block that each column belongs to.
    blocks: Vec<u32>,
    /// `types` of parameters as far as known.
    params: Vec<Option<DataType>>,
    subqueries: Vec<Option<Subquery>>,
    ctes: Vec<LogicalCte>,
    relations: Vec<RelationUse>,
    /// Users' functions that the statement calls.
    routines: Vec<Arc<Routine>>,
    /// Functions whose bodies are being bound in the place of their calls.
    inlined: Vec<Oid>,
    /// Where the columns of scanned relations come from: (table, attribute number).
    origins: Vec<(Oid, i16)>,
    blocks_made: u32,
    writes: bool,
    numbered: bool,
    volatile_literals: bool,
    depth: u32,
    views: u32,
    /// The statement's own query, which may have INTO.
    into: Option<QueryId>,
    /// The fields of columns of type `record` that functions with OUT parameters have made.
    records: HashMap<ColumnId, Arc<[RecordField]>>,
    /// Whether the text is a stored one, whose names its owner was allowed to use.
    stored: bool,
    /// The virtual columns that scans yield, with what they are computed from.
    computed: Vec<(ColumnId, Expr)>,
    /// The query of a cursor.
    cursor: Option<QueryId>,
    /// What its rows are rows of: tables, and the columns with the row ids.
    positions: Vec<(Oid, ColumnId)>,
    /// The cursors that WHERE CURRENT OF names, each with the table.
    cursors: Vec<(Box<str>, Arc<Relation>)>,
    /// The tables whose policies are being bound.
    secured: Vec<Oid>,
    /// Whether nothing is simplified on the way: the expressions are to be printed.
    faithful: bool,
    /// What names mean, when a view's query is bound to be stored.
    resolution: Option<Box<Resolution>>,
}

/// Binds the parts of one tree.
pub(crate) struct Binder<'a> {
    pub(crate) cx: &'a BindContext<'a>,
    pub(crate) ast: &'a Ast,
    pub(crate) s: Shared,
    /// Query levels, outermost first.
    pub(crate) scopes: Vec<scope::Scope>,
    /// Common table expressions in sight, innermost last.
    pub(crate) with: Vec<with::VisibleCte>,
    /// Whether nothing of the statement is bound yet: its WITH may modify data.
    pub(crate) top: bool,
    /// The places of FROM that mean the query whose step is being bound, with their query blocks.
    pub(crate) step_references: Vec<(u32, u32)>,
    /// The subqueries of expressions around the place, within the step that is being bound.
    pub(crate) within_subqueries: u32,
    /// What the step of a recursive query hands on beside its own columns.
    pub(crate) carried: Option<search::Carried>,
    /// What `merge_action()` stands for, in the RETURNING of a MERGE.
    pub(crate) merge_action: Option<ColumnId>,
    /// Role that the privileges of relations are checked for, inside views.
    pub(crate) check_as: Option<Oid>,
    /// The function around the statement, inside a body.
    pub(crate) body: Option<Arc<routine::BodyScope>>,
}

impl<'a> Binder<'a> {
    pub(crate) fn new(ast: &'a Ast, cx: &'a BindContext<'a>) -> Self {
        let params = cx
            .params
            .iter()
            .map(|&oid| (oid != 0 && oid != crate::types::oid::UNKNOWN).then(|| DataType::of(oid)))
            .collect();
        let s = Shared { params, ..Shared::default() };
        Binder { top: true, ..Binder::inside(ast, cx, s) }
    }

    /// For a text that is bound into a statement: a view's, a policy's, a function's. What has been bound is in `s`.
    pub(crate) fn inside(ast: &'a Ast, cx: &'a BindContext<'a>, s: Shared) -> Self {
        Binder {
            cx,
            ast,
            s,
            scopes: Vec::new(),
            with: Vec::new(),
            top: false,
            step_references: Vec::new(),
            within_subqueries: 0,
            carried: None,
            merge_action: None,
            check_as: None,
            body: None,
        }
    }

    /// Makes a column of the current query block.
    pub(crate) fn new_column(&mut self, ty: DataType) -> ColumnId {
        let block = self.scopes.last().map_or(0, |s| s.block);
        self.new_column_of(ty, block, (0, 0))
    }

    pub(crate) fn new_column_of(&mut self, ty: DataType, block: u32, origin: (Oid, i16)) -> ColumnId {
        self.s.types.push(ty);
        self.s.collations.push(coerce::collation_of(ty.oid));
        self.s.blocks.push(block);
        self.s.origins.push(origin);
        self.s.types.len() as u32 - 1
    }

    /// The column as an expression.
    pub(crate) fn column(&self, id: ColumnId) -> Expr {
        let ty = self.s.types[id as usize];
        let mut e = Expr::column(id, ty);
        e.collation = self.s.collations[id as usize];
        e
    }

    /// Makes a column for the value of an expression; a plain column's origin is kept.
    pub(crate) fn column_for(&mut self, expr: &Expr) -> ColumnId {
        let origin = match expr.kind {
            ExprKind::Column(id) if self.s.origins[id as usize].1 != 0 => self.s.origins[id as usize],
            _ => (0, 0),
        };
        let block = self.scopes.last().map_or(0, |s| s.block);
        let id = self.new_column_of(expr.ty, block, origin);
        self.s.collations[id as usize] = expr.collation;
        if let Some(fields) = self.record_fields(expr) {
            self.s.records.insert(id, fields);
        }
        id
    }

    /// The fields of an expression of type `record`, where they are known before it is computed.
    pub(crate) fn record_fields(&self, expr: &Expr) -> Option<Arc<[RecordField]>> {
        if expr.ty.oid != oid::RECORD {
            self.cx.catalog.row_type(info::base_type(expr.ty.oid))?;
        }
        if let Some(fields) = rowtype::fields_of(expr.ty) {
            return Some(fields);
        }
        match &expr.kind {
            ExprKind::Column(id) => self.s.records.get(id).cloned(),
            ExprKind::Routine { target, .. } => target.fields().cloned(),
            ExprKind::Param(n) => self.body.as_ref().and_then(|body| body.fields(*n)),
            ExprKind::Call { func, .. } => match func.body {
                Body::Set { columns, .. } if !columns.is_empty() => {
                    Some(columns.iter().map(|(name, ty)| (Arc::from(*name), DataType::of(*ty))).collect())
                }
                _ => None,
            },
            _ => None,
        }
    }

    /// Runs `f` one level deeper.
    pub(crate) fn nested<T>(&mut self, f: impl FnOnce(&mut Self) -> Result<T>) -> Result<T> {
        if self.s.depth >= MAX_DEPTH {
            return Err(too_complex());
        }
        self.s.depth += 1;
        let result = f(self);
        self.s.depth -= 1;
        result
    }

    fn bind_top_query(mut self, query: QueryId) -> Result<Bound> {
        self.s.cursor = self.ast.cursor.then_some(query);
        let bound = self.bind_query_body(query, true)?;
        let columns = bound.columns.iter().map(|c| self.output_column(&c.name, c.id)).collect();
        let positions = self.s.positions.iter().map(|(_, id)| *id);
        let outputs = bound.columns.iter().map(|c| c.id).chain(positions).collect();
        self.finish(bound.plan, outputs, columns, Command::Select)
    }

    fn output_column(&self, name: &str, id: ColumnId) -> OutputColumn {
        let (table, attribute) = self.s.origins[id as usize];
        let mut ty = self.s.types[id as usize];
        // Clients know nothing of the numbers of row types.
        if matches!(ty.oid, oid::RECORD | oid::RECORD_ARRAY) {
            ty.typmod = -1;
        }
        OutputColumn { name: Arc::from(name), ty, table, attribute }
    }

    /// The types of the parameters.
    ///
    /// # Errors
    /// 42P18 for one whose type nothing tells.
    fn param_types(&self) -> Result<Vec<DataType>> {
        let known = self.s.params.iter().enumerate().map(|(i, ty)| match ty {
            Some(ty) => Ok(*ty),
            None => {
                Err(sql_err!(INDETERMINATE_DATATYPE, "could not determine data type of parameter ${}", i + 1))
            }
        });
        known.collect()
    }

    fn finish(
        mut self,
        plan: Logical,
        outputs: Vec<ColumnId>,
        columns: Vec<OutputColumn>,
        command: Command,
    ) -> Result<Bound> {
        let max = (self.ast.max_param as usize).max(self.s.params.len());
        self.s.params.resize(max, None);
        let params = self.param_types()?;
        let read_only = command == Command::Select && !self.s.writes;
        let bound = Bound {
            plan,
            outputs,
            columns,
            params,
            command,
            subqueries: self.s.subqueries,
            ctes: self.s.ctes,
            // What runs knows no domains.
            types: self.s.types.into_iter().map(info::base_of).collect(),
            collations: self.s.collations,
            relations: self.s.relations,
            positions: self.s.positions.into_iter().map(|(table, _)| table).collect(),
            cursors: self.s.cursors,
            routines: self.s.routines,
            read_only,
            numbered: self.s.numbered,
            volatile_literals: self.s.volatile_literals,
        };
        if let Some((n, at)) = coerce::unsettled_param(&bound) {
            return Err(crate::sql_err!(
                AMBIGUOUS_PARAMETER,
                "could not determine data type of parameter ${}",
                n + 1
            )
            .at(at));
        }
        Ok(bound)
    }
}
