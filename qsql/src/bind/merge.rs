//! MERGE: the target joined with a source, and clauses that say what happens to each pair.
//!
//! ```text
//!  clauses                 join
//!  MATCHED only            target JOIN source
//!  + NOT MATCHED           source LEFT JOIN target      the row id is NULL where there is no target row
//!  + NOT MATCHED BY SOURCE target LEFT JOIN source      a marker column is NULL where there is no source row
//!  both                    target FULL JOIN source
//! ```

use super::Binder;
use super::coerce::conjuncts;
use super::expr::literal;
use super::from::join;
use super::lens::{Lens, Verb};
use super::modify::BoundWrite;
use super::policy::tighten;
use super::scope::Clause;
use crate::catalog::PolicyCommand;
use crate::error::Result;
use crate::parse::ast::{self, Merge};
use crate::plan::expr::{ColumnId, Expr};
use crate::plan::logical::{Logical, LogicalWrite, Modify};
use crate::plan::physical::{Command, JoinKind, MergeAction, MergeClause, MergeMatch};
use crate::sql_err;
use crate::types::{DataType, Datum, oid};

impl Binder<'_> {
    pub(crate) fn bind_merge(&mut self, merge: &Merge) -> Result<BoundWrite> {
        self.open_with(merge.with.as_deref())?;
        self.push_scope(Clause::From);
        self.check_clauses(merge)?;
        let verb = |clause: &ast::MergeClause| match clause.action {
            ast::MergeAction::Nothing => None,
            ast::MergeAction::Delete => Some(Verb::Delete),
            ast::MergeAction::Update { .. } => Some(Verb::Update),
            ast::MergeAction::Insert { .. } => Some(Verb::Insert),
        };
        let verbs: Vec<Verb> = merge.clauses.iter().filter_map(verb).collect();
        let mut target =
            self.bind_target(&merge.table, merge.alias.as_ref(), &verbs, PolicyCommand::Select)?;
        let targets = self.scope().items.len();
        let source = self.bind_from(&[merge.source])?;
        let mut on = Vec::new();
        conjuncts(self.bind_condition(merge.on, Clause::JoinOn, "JOIN/ON")?, &mut on);
        let seen = tighten(&mut target.scan, target.row_id, Vec::new());
        let seen = seen.into_iter().chain(std::mem::take(&mut target.seen));
        let recheck = on.iter().filter(|e| !e.has_subquery()).cloned().chain(seen).collect();

        let mut clauses = Vec::with_capacity(merge.clauses.len());
        for clause in &merge.clauses {
            clauses.push(self.bind_clause(clause, &target.lens, targets)?);
        }
        let any = |wanted| clauses.iter().any(|c| c.matched == wanted);
        let (source, marker) = match any(MergeMatch::NotMatchedBySource) {
            true => {
                let (source, marker) = self.mark(source);
                (source, Some(marker))
            }
            false => (source, None),
        };
        let input = match (any(MergeMatch::NotMatchedByTarget), marker.is_some()) {
            (false, false) => join(JoinKind::Inner, target.scan, source, on),
            (true, false) => join(JoinKind::Left, source, target.scan, on),
            (false, true) => join(JoinKind::Left, target.scan, source, on),
            (true, true) => join(JoinKind::Full, target.scan, source, on),
        };

        let action = self.new_column(DataType::of(oid::TEXT));
        let images = [(); 3].map(|()| self.row_image(&target.lens.table));
        let [plain, new_columns, old_columns] = images;
        let mut outputs = Vec::new();
        let (mut returning, mut columns) = (None, Vec::new());
        if let Some(list) = &merge.returning {
            self.merge_action = Some(action);
            let bound =
                self.bind_returning(list, &target.name, &target.lens, &new_columns, &old_columns, &plain);
            self.merge_action = None;
            let bound = bound?;
            outputs = bound.exprs.iter().map(|e| e.0).collect();
            (returning, columns) = (Some(bound.exprs), bound.columns);
        }
        let write = LogicalWrite::Merge {
            row_id: target.row_id,
            source: marker,
            columns: target.columns,
            recheck,
            clauses,
            action,
            plain,
        };
        self.mark_views_read(&target.lens);
        let target = self.checked_target(&target.lens, &new_columns, Command::Merge)?;
        let modify = Modify { input, target, write, returning, new_columns, old_columns };
        Ok(BoundWrite { plan: Logical::Modify(Box::new(modify)), outputs, columns, command: Command::Merge })
    }

    /// Refuses clauses that no row can reach.
    fn check_clauses(&self, merge: &Merge) -> Result<()> {
        for (i, clause) in merge.clauses.iter().enumerate() {
            let earlier = &merge.clauses[..i];
            if earlier.iter().any(|e| e.matched == clause.matched && e.condition.is_none()) {
                return Err(sql_err!(
                    SYNTAX_ERROR,
                    "unreachable WHEN clause specified after unconditional WHEN clause"
                ));
            }
        }
        Ok(())
    }

    /// Adds a column to a source that is TRUE in each of its rows.
    fn mark(&mut self, source: Logical) -> (Logical, ColumnId) {
        let yes = literal(Datum::Bool(true), oid::BOOL, u32::MAX);
        let marker = self.column_for(&yes);
        let mut exprs: Vec<(ColumnId, Expr)> =
            source.outputs().into_iter().map(|id| (id, self.column(id))).collect();
        exprs.push((marker, yes));
        (Logical::Project { input: Box::new(source), exprs }, marker)
    }

    /// Binds a clause; the first `targets` items of the namespace are the target's.
    fn bind_clause(&mut self, clause: &ast::MergeClause, lens: &Lens, targets: usize) -> Result<MergeClause> {
        let matched = match clause.matched {
            ast::MergeMatch::Matched => MergeMatch::Matched,
            ast::MergeMatch::NotMatchedBySource => MergeMatch::NotMatchedBySource,
            ast::MergeMatch::NotMatchedByTarget => MergeMatch::NotMatchedByTarget,
        };
        // What has no row cannot be named.
        let hidden = match matched {
            MergeMatch::Matched => 0..0,
            MergeMatch::NotMatchedBySource => targets..self.scope().items.len(),
            MergeMatch::NotMatchedByTarget => 0..targets,
        };
        let before: Vec<(bool, bool)> =
            self.scope().items.iter().map(|i| (i.rel_visible, i.cols_visible)).collect();
        for item in &mut self.scope().items[hidden] {
            (item.rel_visible, item.cols_visible) = (false, false);
        }
        let bound = self.bind_visible_clause(clause, lens);
        for (item, visible) in self.scope().items.iter_mut().zip(before) {
            (item.rel_visible, item.cols_visible) = visible;
        }
        let (condition, action) = bound?;
        Ok(MergeClause { matched, condition, action })
    }

    fn bind_visible_clause(
        &mut self,
        clause: &ast::MergeClause,
        lens: &Lens,
    ) -> Result<(Option<Expr>, MergeAction)> {
        let condition =
            clause.condition.map(|id| self.bind_condition(id, Clause::MergeWhen, "WHEN")).transpose()?;
        let action = match &clause.action {
            ast::MergeAction::Nothing => MergeAction::Nothing,
            ast::MergeAction::Delete => {
                self.mark_deleted(lens);
                MergeAction::Delete
            }
            ast::MergeAction::Update { set } => {
                MergeAction::Update(self.bind_set(lens, set, Clause::UpdateSource, Verb::Merge)?)
            }
            ast::MergeAction::Insert { columns, overriding, values } => {
                let mut targets = self.insert_columns(lens.shown(), columns)?;
                let row = match values {
                    None => {
                        targets.clear();
                        Vec::new()
                    }
                    Some(values) => {
                        let extra = values.get(targets.len()).map_or(0, |&e| self.ast.start_of(e));
                        self.check_width(columns, values.len(), targets.len(), extra)?;
                        targets.truncate(values.len());
                        self.within(Clause::Values, |b| {
                            b.bind_value_row(values, lens, &targets, columns, *overriding, Verb::Merge)
                        })?
                    }
                };
                self.mark_inserted(lens, &targets);
                MergeAction::Insert(self.full_row(lens, &targets, row, Verb::Merge, &mut Vec::new())?)
            }
        };
        Ok((condition, action))
    }
}
