//! Row-level security: the conditions that a table's policies put on the rows of a statement.
//!
//! ```text
//!  SELECT          USING of SELECT                                        filters what is scanned
//!  UPDATE, DELETE  USING of the command, and of SELECT if rows are read   filters what is scanned
//!  INSERT, UPDATE  WITH CHECK (or else USING) of the command,
//!                  USING of SELECT if rows are read                       refuse what is written
//!  ON CONFLICT     USING of UPDATE and SELECT                             refuse what is updated
//!  MERGE           USING of SELECT filters; USING of the action           refuses what is changed
//! ```
//!
//! 1. Of the permissive policies one must hold, of the restrictive ones all; without a permissive one there are no rows.
//! 2. What filters is under a [`Logical::SecurityBarrier`]: no condition of the statement that could tell of a row sees it before.
//! 3. Policies read the table's columns without the user's privilege to; their subqueries need it.
//!
//! Source: PostgreSQL manual, section 5.9 and CREATE POLICY.

use std::sync::Arc;

use super::Binder;
use super::coerce::conjuncts;
use super::expr::literal;
use super::scope::{Clause, NsItem};
use super::stored::parse_text;
use crate::catalog::{Policy, PolicyCommand, Relation};
use crate::error::{Result, SqlError};
use crate::parse::ast::{QueryBody, Statement};
use crate::plan::expr::{ColumnId, Expr, ExprKind};
use crate::plan::logical::{Logical, LogicalScan};
use crate::plan::physical::{Command, PolicyCheck, PolicyMoment, ScanColumn};
use crate::sql_err;
use crate::types::{DataType, Datum, oid};

/// Which condition of a policy is meant.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Part {
    Using,
    /// WITH CHECK, or USING where there is none.
    Check,
}

/// The conditions of the policies that apply.
struct Conditions {
    /// What the permissive policies demand together.
    permissive: Expr,
    /// Of each restrictive policy, with its name.
    restrictive: Vec<(Box<str>, Expr)>,
}

/// Checks the condition of a policy that is about to be stored.
///
/// # Errors
/// Those of binding, and 42804 if it is not Boolean.
pub fn bind_policy_condition(text: &str, table: &Arc<Relation>, cx: &super::BindContext<'_>) -> Result<()> {
    let (ast, expr) = parse_text(text)?;
    let mut binder = Binder::new(&ast, cx);
    binder.push_scope(Clause::Policy);
    let ids = binder.row_image(table);
    let item = binder.policy_item(table, &ids.iter().copied().enumerate().collect::<Vec<_>>())?;
    binder.add_item(item)?;
    let bound = binder.bind_expr(expr)?;
    binder.coerce_to_bool(bound, "POLICY").map(|_| ())
}

impl Binder<'_> {
    /// Puts the scan of a table under what the policies for reading it say.
    pub(crate) fn secure_scan(&mut self, scan: Logical, command: PolicyCommand) -> Result<Logical> {
        let Logical::Scan(inner) = &scan else { return Ok(scan) };
        match self.security_quals(&inner.relation.clone(), command, &attributes(inner))? {
            Some(quals) => Ok(Logical::SecurityBarrier { input: Box::new(scan.filter(quals)) }),
            None => Ok(scan),
        }
    }

    /// The conditions on rows that are there; `None` where row-level security does not apply.
    pub(crate) fn security_quals(
        &mut self,
        table: &Arc<Relation>,
        command: PolicyCommand,
        columns: &[(usize, ColumnId)],
    ) -> Result<Option<Vec<Expr>>> {
        let Some(found) = self.policy_conditions(table, command, Part::Using, columns)? else {
            return Ok(None);
        };
        let mut quals = Vec::new();
        for (_, condition) in found.restrictive {
            conjuncts(condition, &mut quals);
        }
        conjuncts(found.permissive, &mut quals);
        Ok(Some(quals))
    }

    /// What the rows that a statement writes must satisfy, over `row`: one column for each of the table's.
    pub(crate) fn policy_checks(
        &mut self,
        table: &Arc<Relation>,
        row: &[ColumnId],
        command: Command,
    ) -> Result<Vec<PolicyCheck>> {
        let access = self.access(table.oid).copied().unwrap_or_default();
        let reads = access.select.is_some();
        let columns: Vec<(usize, ColumnId)> = row.iter().copied().enumerate().collect();
        let mut wanted = Vec::new();
        if access.insert.is_some() {
            wanted.push((PolicyMoment::Insert, PolicyCommand::Insert, Part::Check));
            if reads {
                wanted.push((PolicyMoment::Insert, PolicyCommand::Select, Part::Using));
            }
            if access.update.is_some() && command != Command::Merge {
                wanted.push((PolicyMoment::Conflict, PolicyCommand::Update, Part::Using));
                wanted.push((PolicyMoment::Conflict, PolicyCommand::Select, Part::Using));
            }
        }
        if access.update.is_some() {
            if command == Command::Merge {
                wanted.push((PolicyMoment::MergeUpdate, PolicyCommand::Update, Part::Using));
            }
            wanted.push((PolicyMoment::Update, PolicyCommand::Update, Part::Check));
            if reads {
                wanted.push((PolicyMoment::Update, PolicyCommand::Select, Part::Using));
            }
        }
        if access.delete && command == Command::Merge {
            wanted.push((PolicyMoment::MergeDelete, PolicyCommand::Delete, Part::Using));
        }
        let mut checks = Vec::new();
        for (moment, command, part) in wanted {
            let Some(found) = self.policy_conditions(table, command, part, &columns)? else { continue };
            checks.push(PolicyCheck { moment, policy: None, condition: found.permissive });
            checks.extend(found.restrictive.into_iter().map(|(policy, condition)| PolicyCheck {
                moment,
                policy: Some(policy),
                condition,
            }));
        }
        Ok(checks)
    }

    /// Whether a table's rows are subject to policies here.
    pub(crate) fn is_secured(&mut self, table: &Arc<Relation>) -> Result<bool> {
        Ok(table.security.enabled && self.cx.catalog.row_security(table, self.check_as)?.is_some())
    }

    fn policy_conditions(
        &mut self,
        table: &Arc<Relation>,
        command: PolicyCommand,
        part: Part,
        columns: &[(usize, ColumnId)],
    ) -> Result<Option<Conditions>> {
        // The query of a view is printed as it was written.
        if !table.security.enabled || self.s.faithful {
            return Ok(None);
        }
        let Some(applicable) = self.cx.catalog.row_security(table, self.check_as)? else { return Ok(None) };
        if self.s.secured.contains(&table.oid) {
            return Err(sql_err!(
                INVALID_OBJECT_DEFINITION,
                "infinite recursion detected in policy for relation \"{}\"",
                table.name
            ));
        }
        self.s.secured.push(table.oid);
        let (mut permissive, mut restrictive) = (Vec::new(), Vec::new());
        let policies = applicable.iter().map(|&i| &table.security.policies[i]);
        for policy in policies.filter(|p| p.command.covers(command)) {
            let text = match part {
                Part::Check if policy.check.is_some() => &policy.check,
                _ => &policy.using,
            };
            let Some(text) = text else { continue };
            let condition = self.bind_policy(policy, text, table, columns)?;
            match policy.permissive {
                true => permissive.push(condition),
                false => restrictive.push((policy.name.clone(), condition)),
            }
        }
        self.s.secured.pop();
        let boolean = DataType::of(oid::BOOL);
        let permissive = match permissive.len() {
            0 => literal(Datum::Bool(false), oid::BOOL, u32::MAX),
            1 => permissive.swap_remove(0),
            _ => Expr { kind: ExprKind::Or(permissive), ty: boolean, collation: 0, at: u32::MAX },
        };
        Ok(Some(Conditions { permissive, restrictive }))
    }

    /// Binds a policy's text, `SELECT condition FROM table`, over columns that stand for the table's.
    fn bind_policy(
        &mut self,
        policy: &Policy,
        text: &str,
        table: &Arc<Relation>,
        columns: &[(usize, ColumnId)],
    ) -> Result<Expr> {
        let broken = || SqlError::internal(format_args!("policy \"{}\" has no condition", policy.name));
        let parsed = crate::parse::parse_statements(text)?.into_iter().next().ok_or_else(broken)?;
        let Statement::Query(query) = parsed.ast.statement else { return Err(broken()) };
        let QueryBody::Select(select) = &parsed.ast[query].body else { return Err(broken()) };
        let condition = select.targets.first().ok_or_else(broken)?.expr;
        let before = self.access(table.oid).copied();
        let shared = std::mem::take(&mut self.s);
        let mut inner = Binder { check_as: self.check_as, ..Binder::inside(&parsed.ast, self.cx, shared) };
        inner.s.views += 1;
        inner.push_scope(Clause::Policy);
        let bound = inner
            .policy_item(table, columns)
            .and_then(|item| inner.add_item(item))
            .and_then(|()| inner.bind_expr(condition))
            .and_then(|e| inner.coerce_to_bool(e, "POLICY"));
        inner.s.views -= 1;
        self.s = inner.s;
        if let (Some(now), Some(before)) = (self.access(table.oid), before) {
            *now = before;
        }
        bound.map_err(|mut e| {
            e.0.byte_offset = None;
            e
        })
    }

    /// The table's columns, where a policy names them.
    fn policy_item(&mut self, table: &Arc<Relation>, columns: &[(usize, ColumnId)]) -> Result<NsItem> {
        let columns = self.row_columns(table, columns)?;
        let mut item = NsItem::new(Some(Arc::from(&*table.name)), columns);
        item.schema = Some(table.schema.clone());
        item.relation = Some(table.clone());
        Ok(item)
    }
}

/// The columns of a scan by their place in the table.
pub(crate) fn attributes(scan: &LogicalScan) -> Vec<(usize, ColumnId)> {
    let attribute = |&(id, what): &(ColumnId, ScanColumn)| match what {
        ScanColumn::Attribute(i) => Some((i, id)),
        _ => None,
    };
    scan.columns.iter().filter_map(attribute).collect()
}

/// Adds conditions on the rows of the scan that yields `row_id` to those under its barrier; answers all that can be asked of a
/// newer version of a row. Without a barrier nothing happens.
pub(crate) fn tighten(plan: &mut Logical, row_id: ColumnId, conditions: Vec<Expr>) -> Vec<Expr> {
    let mut conditions = Some(conditions);
    let mut all = Vec::new();
    each_barrier(plan, &mut |input| {
        if !input.outputs().contains(&row_id) {
            return;
        }
        let inner = std::mem::replace(input, Logical::one_row());
        *input = inner.filter(conditions.take().unwrap_or_default());
        if let Logical::Filter { conditions, .. } = input {
            all.extend(conditions.iter().filter(|e| !e.has_subquery()).cloned());
        }
    });
    all
}

/// Calls `f` on what is under each barrier of a plan, innermost first.
fn each_barrier(plan: &mut Logical, f: &mut dyn FnMut(&mut Logical)) {
    match plan {
        Logical::SecurityBarrier { input } => {
            each_barrier(input, f);
            f(input);
        }
        other => other.each_input_mut(&mut |input| each_barrier(input, f)),
    }
}
