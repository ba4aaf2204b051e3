//! What uses a function: views, defaults, checks, generated columns, indexes, bodies of standard form.
//!
//! Views and defaults are noted with the relation; the expressions of a table are bound again where their text has the function's name.

use std::sync::Arc;

use nq_qsql::bind::StoredKind;
use nq_qsql::catalog::{ConstraintKind, IndexKey, Relation, RelationKind, UserCastMethod};
use nq_qsql::error::{Result, SqlError};
use nq_qsql::plan::expr::{Expr, ExprKind, RoutineForm};
use nq_qsql::types::Oid;

use crate::catalog::FIRST_NORMAL_OID;
use crate::catalog::object::RelationObject;
use crate::ddl::dependency::Target;
use crate::ddl::rename::{Held, print_again};
use crate::ddl::view::Captured;
use crate::session::Session;

/// What names a function, with what it meant before the function got another name.
pub(crate) struct Uses {
    views: Vec<Captured>,
    tables: Vec<(Oid, Vec<Held>)>,
}

/// The users' functions that an expression calls.
pub(crate) fn called_routines(expr: &Expr) -> Vec<Oid> {
    let mut found = Vec::new();
    expr.any(&mut |e| {
        match &e.kind {
            ExprKind::Routine { form: RoutineForm::Operator(operator), .. } => found.push(*operator),
            ExprKind::Routine { target, .. } => found.push(target.routine.oid),
            ExprKind::Call { operator, .. } | ExprKind::ScalarArray { operator, .. }
                if *operator >= FIRST_NORMAL_OID =>
            {
                found.push(*operator);
            }
            _ => {}
        }
        false
    });
    found
}

impl Session {
    /// The expressions of tables that call a function, but defaults.
    pub(crate) fn expressions_calling(&mut self, oid: Oid) -> Result<Vec<(Oid, Target)>> {
        let view = self.view().clone();
        let operations = view.catalog.operations();
        let name = match (view.catalog.routine(oid), operations.operator(oid)) {
            (Some(r), _) => r.routine.name.clone(),
            (None, Some(operator)) => operator.name.clone(),
            (None, None) => return Ok(Vec::new()),
        };
        // The text of a cast does not name its function.
        let casts = operations.casts().iter().any(|c| c.method == UserCastMethod::Function(oid));
        let mut found = Vec::new();
        let tables = view.catalog.relations().into_iter().filter(|o| o.relation.kind == RelationKind::Table);
        for object in tables {
            let table = &object.relation;
            let mut calls = |text: &str, kind: StoredKind| -> Result<bool> {
                Ok((casts || text.contains(&*name))
                    && called_routines(&self.bind_stored(text, table, kind, None)?).contains(&oid))
            };
            for (i, column) in table.live_columns() {
                if let (true, Some(text)) = (column.generated.is_computed(), &column.default)
                    && calls(text, StoredKind::Generated)?
                {
                    found.push((table.oid, Target::Column(table.oid, i)));
                }
            }
            for constraint in &table.constraints {
                if let ConstraintKind::Check(text) = &constraint.kind
                    && calls(text, StoredKind::Check)?
                {
                    found.push((constraint.oid, Target::Constraint(table.oid, constraint.oid)));
                }
            }
            for index in &table.indexes {
                let mut used = match &index.predicate {
                    Some(text) => calls(text, StoredKind::IndexPredicate)?,
                    None => false,
                };
                for key in &index.columns {
                    if let IndexKey::Expression(text) = &key.key {
                        used = used || calls(text, StoredKind::Index)?;
                    }
                }
                if used {
                    found.push((index.oid, Target::Index(table.oid, index.oid)));
                }
            }
        }
        Ok(found)
    }

    /// Refuses what would change the meaning of bodies of standard form: the texts of those are not printed anew.
    pub(crate) fn check_not_in_bodies(&self, oid: Oid) -> Result<()> {
        let uses = |r: &&Arc<crate::catalog::object::RoutineObject>| {
            r.routine.body.standard.is_some() && r.depends.contains(&oid)
        };
        match self.view().catalog.routines().into_iter().find(uses) {
            Some(r) => Err(SqlError::unsupported(format_args!(
                "giving another name to what the body of function {} uses",
                r.routine.name
            ))),
            None => Ok(()),
        }
    }

    /// Binds what names a function, before it gets another name.
    pub(crate) fn hold_uses(&mut self, oid: Oid) -> Result<Uses> {
        self.check_not_in_bodies(oid)?;
        let views = self.capture_views(&[oid])?;
        let mut tables: Vec<Oid> = Vec::new();
        for (_, target) in self.expressions_calling(oid)? {
            if let Target::Column(table, _) | Target::Constraint(table, _) | Target::Index(table, _) = target
            {
                tables.push(table);
            }
        }
        let state = self.view().clone();
        let with_defaults = state.catalog.dependents(oid);
        let with_defaults = with_defaults.into_iter().filter(|o| o.relation.kind == RelationKind::Table);
        tables.extend(with_defaults.map(|o| o.relation.oid));
        tables.sort_unstable();
        tables.dedup();
        let mut held = Vec::with_capacity(tables.len());
        for table in tables {
            let object: Arc<RelationObject> = self.object(table)?;
            let relation: &Relation = &object.relation;
            let mut expressions = self.hold_expressions(relation)?;
            for d in object.depends.iter().filter(|d| d.relation == oid) {
                if let Some(i) = d.from
                    && !relation.columns[i].generated.is_computed()
                    && let Some(text) = &relation.columns[i].default
                {
                    let expr = self.bind_stored(text, relation, StoredKind::Default, None)?;
                    expressions.push(Held::Default(i, expr));
                }
            }
            held.push((table, expressions));
        }
        Ok(Uses { views, tables: held })
    }

    /// Stores what names a function again, under the names of now.
    pub(crate) fn restore_uses(&mut self, uses: Uses) -> Result<()> {
        for (table, mut held) in uses.tables {
            let state = self.view().clone();
            for one in &mut held {
                one.expr_mut().each_target(&mut |target| {
                    if let Some(now) = state.catalog.routine(target.routine.oid) {
                        *target = Arc::new(nq_qsql::catalog::RoutineTarget {
                            routine: now.routine.clone(),
                            inputs: target.inputs.clone(),
                            shape: target.shape.clone(),
                        });
                    }
                });
            }
            let object = self.object(table)?;
            let mut relation = (*object.relation).clone();
            print_again(&mut relation, &held);
            self.replace_relation(&object, relation)?;
        }
        self.restore_views(&uses.views)
    }
}
