//! What goes when something is dropped: the objects that depend on it, in PostgreSQL's order and words.
//!
//! ```text
//! DROP TABLE t ----> view v ----> view w          dependents: refused, or dropped too with CASCADE
//!         |`-------> default of u.a               (u.a DEFAULT nextval('t_a_seq'))
//!         `~~~~~~~~> sequence t_a_seq             belongings: go without a word
//! ```
//!
//! 1. Dependents are visited newest first and put on the list behind their own dependents; the list read backwards is what messages
//!    show, read forwards the order of dropping (PostgreSQL's `findDependentObjects`, `reportDependentObjects`).
//! 2. Columns of the table that is being altered are looked for in its working copy, not in the catalog.

use std::sync::Arc;

use nq_qsql::bind::StoredKind;
use nq_qsql::catalog::{Catalog, ConstraintKind, IndexKey, Relation, RelationKind, UserCast, UserCastMethod};
use nq_qsql::error::{Result, SqlError, SqlState};
use nq_qsql::sql_err;
use nq_qsql::types::Oid;
use nq_qsql::types::io::RegResolver;
use nq_storage::TreeId;
use nq_storage::txn::lock::LockMode;

use super::stored::mentioned_columns;
use crate::catalog::class;
use crate::catalog::object::{Class, ObjectKey, RelationObject};
use crate::catalog::quote_identifier;
use crate::error::store_error;
use crate::session::Session;
use crate::session::privileges::kind_word;
use crate::session::transaction::AfterCommit;

/// Lines of detail that a client is shown.
const SHOWN_MAX: usize = 100;

/// Something that can be dropped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Target {
    /// A schema with all that is in it.
    Schema(Oid),
    /// A table, view or sequence.
    Relation(Oid),
    /// A column, by its 0-based index.
    Column(Oid, usize),
    /// A column's default.
    Default(Oid, usize),
    /// A constraint of a table.
    Constraint(Oid, Oid),
    /// An index of a table.
    Index(Oid, Oid),
    /// The type of a relation's rows.
    RowType(Oid),
    /// A function or procedure.
    Routine(Oid),
    /// A policy of a table.
    Policy(Oid, Oid),
    /// An enum or a domain.
    Type(Oid),
    /// An operator.
    Operator(Oid),
    /// A cast.
    Cast(Oid),
}

/// A dependent on the list.
struct Found {
    target: Target,
    /// What it depends on; `None` for the roots and for belongings.
    because: Option<Target>,
}

/// All that is to be dropped, dependents first.
pub(crate) struct Deletion {
    found: Vec<Found>,
    roots: Vec<Target>,
}

impl Deletion {
    /// The dependents that are to be dropped, in the order of dropping; the roots are among them.
    pub(crate) fn targets(&self) -> Vec<Target> {
        self.found.iter().map(|f| f.target).collect()
    }
}

impl Session {
    /// Finds all that depends on the roots. `working`: the copy of a table that is being altered.
    pub(crate) fn plan_deletion(&mut self, roots: &[Target], working: Option<&Relation>) -> Result<Deletion> {
        let mut deletion = Deletion { found: Vec::new(), roots: roots.to_vec() };
        let mut visiting = Vec::new();
        for &root in roots {
            self.visit(root, None, working, &mut visiting, &mut deletion.found)?;
        }
        // Parts of what goes as a whole are not dependents: the default of a serial column uses the table's own sequence.
        let whole = deletion.targets();
        let mut with_columns = Vec::new();
        for target in &whole {
            let (Target::Constraint(table, _) | Target::Index(table, _)) = *target else { continue };
            if roots.contains(target) || working.is_some_and(|w| w.oid == table) {
                continue;
            }
            for other in &whole {
                if let Target::Column(of, column) = *other
                    && of == table
                    && self.goes_with_column(*target, column)?
                {
                    with_columns.push(*target);
                }
            }
        }
        deletion.found.retain(|f| !with_columns.contains(&f.target));
        deletion.found.retain(|f| match f.target {
            Target::Default(table, column) => {
                !whole.contains(&Target::Relation(table)) && !whole.contains(&Target::Column(table, column))
            }
            Target::Column(table, _)
            | Target::Constraint(table, _)
            | Target::Index(table, _)
            | Target::Policy(table, _) => !whole.contains(&Target::Relation(table)),
            Target::Schema(_)
            | Target::Relation(_)
            | Target::RowType(_)
            | Target::Routine(_)
            | Target::Operator(_)
            | Target::Cast(_)
            | Target::Type(_) => true,
        });
        Ok(deletion)
    }

    /// Whether a constraint or an index uses a column of its table, so that it is dropped with that.
    fn goes_with_column(&mut self, target: Target, column: usize) -> Result<bool> {
        match target {
            Target::Constraint(table, constraint) => {
                let table = self.object(table)?.relation.clone();
                let found = table.constraints.iter().find(|c| c.oid == constraint);
                found.map_or(Ok(false), |c| self.constraint_mentions(&table, &c.kind, column))
            }
            Target::Index(table, index) => {
                let table = self.object(table)?.relation.clone();
                let found = table.indexes.iter().find(|i| i.oid == index).cloned();
                found.map_or(Ok(false), |i| self.index_mentions(&table, &i, column))
            }
            _ => Ok(false),
        }
    }

    fn visit(
        &mut self,
        target: Target,
        because: Option<Target>,
        working: Option<&Relation>,
        visiting: &mut Vec<Target>,
        found: &mut Vec<Found>,
    ) -> Result<()> {
        if visiting.contains(&target) || found.iter().any(|f| f.target == target) {
            return Ok(());
        }
        visiting.push(target);
        for (dependent, normal) in self.dependents(target, working)? {
            self.visit(dependent, normal.then_some(target), working, visiting, found)?;
        }
        visiting.pop();
        found.push(Found { target, because });
        Ok(())
    }

    /// What depends on an object directly, newest first; the flag is false for what belongs to it.
    fn dependents(&mut self, target: Target, working: Option<&Relation>) -> Result<Vec<(Target, bool)>> {
        let view = self.view().clone();
        let mut all: Vec<(Oid, Target, bool)> = Vec::new();
        match target {
            Target::Schema(namespace) => {
                let inside = |table: Oid| {
                    view.catalog.object(table).is_some_and(|t| t.relation.namespace == namespace)
                };
                for object in view.catalog.relations() {
                    // A sequence that a table in the schema owns goes with the table.
                    let owned = object.owned_by.is_some_and(|o| inside(o.table));
                    if object.relation.namespace == namespace && !owned {
                        all.push((object.relation.oid, Target::Relation(object.relation.oid), true));
                    }
                }
                for object in view.catalog.routines() {
                    if object.routine.namespace == namespace {
                        all.push((object.routine.oid, Target::Routine(object.routine.oid), true));
                    }
                }
                for operator in view.catalog.operations().operators() {
                    if operator.namespace == namespace {
                        all.push((operator.oid, Target::Operator(operator.oid), true));
                    }
                }
                for object in view.catalog.type_objects() {
                    if object.ty.namespace == namespace {
                        all.push((object.ty.info.oid, Target::Type(object.ty.info.oid), true));
                    }
                }
            }
            Target::RowType(oid) => {
                if let Some(row) = view.row_type_of(oid) {
                    all.extend(self.type_dependents(row));
                }
            }
            Target::Type(oid) => {
                all.extend(self.type_dependents(oid));
            }
            Target::Routine(oid) | Target::Operator(oid) => {
                for object in view.catalog.dependents(oid) {
                    let dependent = object.relation.oid;
                    for dependency in object.depends.iter().filter(|d| d.relation == oid) {
                        let target = match dependency.from {
                            None => Target::Relation(dependent),
                            // The expression of a generated column is found below.
                            Some(column) if object.relation.columns[column].generated.is_computed() => {
                                continue;
                            }
                            Some(column) => Target::Default(dependent, column),
                        };
                        all.push((dependent, target, true));
                    }
                }
                for (dependent, target) in self.expressions_calling(oid)? {
                    all.push((dependent, target, true));
                }
                for object in view.catalog.routines().into_iter().filter(|r| r.depends.contains(&oid)) {
                    all.push((object.routine.oid, Target::Routine(object.routine.oid), true));
                }
                let operations = view.catalog.operations();
                for operator in operations.operators().into_iter().filter(|o| o.function == oid) {
                    all.push((operator.oid, Target::Operator(operator.oid), true));
                }
                let by_function = |c: &&Arc<UserCast>| c.method == UserCastMethod::Function(oid);
                for cast in operations.casts().into_iter().filter(by_function) {
                    all.push((cast.oid, Target::Cast(cast.oid), true));
                }
            }
            Target::Relation(oid) => {
                all.push((oid, Target::RowType(oid), false));
                for object in view.catalog.routines() {
                    let r = &object.routine;
                    if r.body.standard.is_some() && object.depends.contains(&oid) {
                        all.push((r.oid, Target::Routine(r.oid), true));
                    }
                }
                for object in view.catalog.dependents(oid).into_iter().filter(|o| o.relation.oid != oid) {
                    let dependent = object.relation.oid;
                    for dependency in object.depends.iter().filter(|d| d.relation == oid) {
                        let target = match dependency.from {
                            None => Target::Relation(dependent),
                            Some(column) => Target::Default(dependent, column),
                        };
                        all.push((dependent, target, true));
                    }
                }
                for sequence in view.catalog.owned_sequences(oid, None) {
                    all.push((sequence.relation.oid, Target::Relation(sequence.relation.oid), false));
                }
                if let Some(object) = view.catalog.object(oid) {
                    for (child, constraint) in self.referencing(&object.relation) {
                        all.push((constraint.oid, Target::Constraint(child.oid, constraint.oid), true));
                    }
                }
            }
            Target::Constraint(oid, constraint) => {
                let table = self.deletion_table(oid, working)?;
                for index in table.indexes.iter().filter(|i| i.constraint == constraint) {
                    all.push((index.oid, Target::Index(oid, index.oid), false));
                }
            }
            Target::Index(oid, index) => {
                let table = self.deletion_table(oid, working)?;
                for (child, constraint) in self.referencing(&table) {
                    if constraint.foreign_key().is_some_and(|key| key.index == index) {
                        all.push((constraint.oid, Target::Constraint(child.oid, constraint.oid), true));
                    }
                }
            }
            Target::Column(oid, column) => {
                for object in view.catalog.dependents(oid) {
                    let uses = |d: &&crate::catalog::object::Dependency| {
                        d.relation == oid && d.column == Some(column) && d.from.is_none()
                    };
                    if object.depends.iter().any(|d| uses(&d)) {
                        all.push((object.relation.oid, Target::Relation(object.relation.oid), true));
                    }
                }
                for sequence in view.catalog.owned_sequences(oid, Some(column)) {
                    all.push((sequence.relation.oid, Target::Relation(sequence.relation.oid), false));
                }
                let table = self.deletion_table(oid, working)?;
                for (child, constraint) in self.referencing(&table) {
                    let refers = |key: &nq_qsql::catalog::ForeignKey| {
                        key.ref_columns.contains(&column)
                            && !(child.oid == oid && key.columns.contains(&column))
                    };
                    if constraint.foreign_key().is_some_and(refers) {
                        all.push((constraint.oid, Target::Constraint(child.oid, constraint.oid), true));
                    }
                }
                for (i, other) in table.live_columns() {
                    if let (true, Some(text)) = (other.generated.is_computed(), &other.default)
                        && self.mentions(text, &table, StoredKind::Generated, column)?
                    {
                        all.push((oid, Target::Column(oid, i), true));
                    }
                }
            }
            Target::Default(..) | Target::Policy(..) | Target::Cast(_) => {}
        }
        for (policy, found) in self.dependent_policies(target)? {
            all.push((policy, found, true));
        }
        all.sort_by_key(|(oid, ..)| std::cmp::Reverse(*oid));
        let mut targets: Vec<(Target, bool)> = Vec::with_capacity(all.len());
        for (_, target, normal) in all {
            if !targets.iter().any(|(t, _)| *t == target) {
                targets.push((target, normal));
            }
        }
        Ok(targets)
    }

    /// The policies that depend on an object, with their OIDs.
    fn dependent_policies(&mut self, target: Target) -> Result<Vec<(Oid, Target)>> {
        let found = match target {
            Target::Relation(oid) => {
                self.policies_using(|table, meaning| table.oid != oid && meaning.relations().contains(&oid))?
            }
            Target::Column(oid, column) => {
                self.policies_using(|_, meaning| meaning.columns().contains(&(oid, column)))?
            }
            Target::Routine(oid) | Target::Operator(oid) => {
                self.policies_using(|_, meaning| meaning.routines().contains(&oid))?
            }
            _ => Vec::new(),
        };
        let oid = |target: Target| match target {
            Target::Policy(_, policy) => policy,
            _ => 0,
        };
        Ok(found.into_iter().map(|target| (oid(target), target)).collect())
    }

    /// A table as it is, or as it is about to be.
    fn deletion_table(&self, oid: Oid, working: Option<&Relation>) -> Result<Arc<Relation>> {
        match working {
            Some(working) if working.oid == oid => Ok(Arc::new(working.clone())),
            _ => Ok(self.object(oid)?.relation.clone()),
        }
    }

    /// Whether a stored expression uses a column.
    pub(crate) fn mentions(
        &mut self,
        text: &str,
        relation: &Relation,
        kind: StoredKind,
        column: usize,
    ) -> Result<bool> {
        let expr = self.bind_stored(text, relation, kind, None)?;
        Ok(mentioned_columns(&expr).contains(&column))
    }

    /// How messages call an object.
    pub(crate) fn describe_target(&self, target: Target) -> String {
        let view = self.view();
        let relation = |oid: Oid| view.catalog.object(oid).map(|o| o.relation.clone());
        let shown = |oid: Oid| match relation(oid) {
            Some(r) => format!("{} {}", kind_word(r.kind), view.display_name(&r)),
            None => format!("relation {oid}"),
        };
        let column = |oid: Oid, i: usize| {
            relation(oid).map_or(String::new(), |r| quote_identifier(&r.columns[i].name))
        };
        match target {
            Target::Schema(oid) => {
                let name = view.catalog.namespace(oid).map(|n| quote_identifier(&n.name));
                format!("schema {}", name.unwrap_or_default())
            }
            Target::Relation(oid) => shown(oid),
            Target::Column(oid, i) => {
                let composite = relation(oid).is_some_and(|r| r.kind == RelationKind::Composite);
                let word = if composite { "composite " } else { "" };
                format!("column {} of {word}{}", column(oid, i), shown(oid))
            }
            Target::RowType(oid) => {
                format!("type {}", relation(oid).map_or(String::new(), |r| view.display_name(&r)))
            }
            Target::Type(oid) => format!("type {}", nq_qsql::types::info::type_name(oid)),
            Target::Routine(oid) => match view.catalog.routine(oid) {
                Some(r) => {
                    let types: Vec<String> =
                        r.routine.input_types().iter().map(|ty| view.type_name(*ty)).collect();
                    let name = view.routine_name(oid).unwrap_or_default();
                    format!("function {name}({})", types.join(","))
                }
                None => format!("function {oid}"),
            },
            Target::Operator(oid) => format!("operator {}", view.operator_shown(oid)),
            Target::Cast(oid) => match view.catalog.operations().cast(oid) {
                Some(c) => {
                    format!("cast from {} to {}", view.type_name(c.source), view.type_name(c.target))
                }
                None => format!("cast {oid}"),
            },
            Target::Default(oid, i) => {
                format!("default value for column {} of {}", column(oid, i), shown(oid))
            }
            Target::Constraint(oid, constraint) => {
                let named = relation(oid).and_then(|r| {
                    let found = r.constraints.iter().find(|c| c.oid == constraint)?;
                    Some(quote_identifier(&found.name))
                });
                format!("constraint {} on {}", named.unwrap_or_default(), shown(oid))
            }
            Target::Policy(oid, policy) => {
                let named = relation(oid).and_then(|r| {
                    let found = r.security.policies.iter().find(|p| p.oid == policy)?;
                    Some(quote_identifier(&found.name))
                });
                format!("policy {} on {}", named.unwrap_or_default(), shown(oid))
            }
            Target::Index(_, index) => {
                let named = view.catalog.relation(index).map(|r| view.display_name(&r));
                format!("index {}", named.unwrap_or_default())
            }
        }
    }

    /// Refuses to drop what others depend on, or tells what goes with it.
    ///
    /// # Errors
    /// 2BP01.
    pub(crate) fn announce_deletion(&mut self, deletion: &Deletion, cascade: bool) -> Result<()> {
        let dependents: Vec<&Found> = deletion
            .found
            .iter()
            .rev()
            .filter(|f| f.because.is_some() && !deletion.roots.contains(&f.target))
            .collect();
        if dependents.is_empty() {
            return Ok(());
        }
        let lines = |line: &dyn Fn(&Found) -> String| {
            let mut shown: Vec<String> = dependents.iter().take(SHOWN_MAX).map(|f| line(f)).collect();
            if dependents.len() > SHOWN_MAX {
                shown.push(format!(
                    "and {} other objects (see server log for list)",
                    dependents.len() - SHOWN_MAX
                ));
            }
            shown.join("\n")
        };
        if !cascade {
            let detail = lines(&|f| {
                let on = f.because.map_or(String::new(), |b| self.describe_target(b));
                format!("{} depends on {on}", self.describe_target(f.target))
            });
            let error = match deletion.roots.as_slice() {
                [one] => sql_err!(
                    DEPENDENT_OBJECTS_STILL_EXIST,
                    "cannot drop {} because other objects depend on it",
                    self.describe_target(*one)
                ),
                _ => sql_err!(
                    DEPENDENT_OBJECTS_STILL_EXIST,
                    "cannot drop desired object(s) because other objects depend on them"
                ),
            };
            return Err(error.detail(detail).hint("Use DROP ... CASCADE to drop the dependent objects too."));
        }
        let notice = |text: String| SqlError::new(SqlState(*b"00000"), text);
        let told = match dependents.as_slice() {
            [one] => notice(format!("drop cascades to {}", self.describe_target(one.target))),
            many => notice(format!("drop cascades to {} other objects", many.len()))
                .detail(lines(&|f| format!("drop cascades to {}", self.describe_target(f.target)))),
        };
        self.host.notice(told);
        Ok(())
    }

    /// Drops all of a deletion but the columns of `working`, which the caller drops.
    pub(crate) fn carry_out_deletion(&mut self, deletion: &Deletion, working: Option<Oid>) -> Result<()> {
        for target in deletion.targets() {
            match target {
                Target::Schema(oid) => self.remove_schema(oid)?,
                Target::Relation(oid) => self.remove_relation(oid)?,
                Target::RowType(_) => {}
                Target::Routine(oid) => self.remove_routine(oid)?,
                Target::Type(oid) => self.remove_type(oid)?,
                Target::Operator(oid) => self.remove_operator(oid)?,
                Target::Cast(oid) => self.remove_cast(oid)?,
                Target::Column(oid, _) if working == Some(oid) => {}
                Target::Column(oid, column) => self.remove_stored_column(oid, column)?,
                Target::Constraint(oid, _) | Target::Index(oid, _) | Target::Policy(oid, _)
                    if working == Some(oid) => {}
                Target::Constraint(oid, constraint) => self.remove_foreign_key(oid, constraint)?,
                Target::Index(oid, index) => self.remove_index(oid, index)?,
                Target::Policy(oid, policy) => self.remove_policy(oid, policy)?,
                Target::Default(oid, column) => {
                    if self.view().catalog.object(oid).is_some() {
                        self.remove_default(oid, column)?;
                    }
                }
            }
        }
        Ok(())
    }

    /// Drops a relation with everything that depends on it, without asking or telling.
    pub(crate) fn drop_relation_cascade(&mut self, oid: Oid) -> Result<()> {
        let deletion = self.plan_deletion(&[Target::Relation(oid)], None)?;
        self.carry_out_deletion(&deletion, None)
    }

    /// Removes one relation: its object, names, trees, comments.
    fn remove_relation(&mut self, oid: Oid) -> Result<()> {
        self.lock_relation(oid, LockMode::AccessExclusive)?;
        let Ok(object) = self.object(oid) else { return Ok(()) };
        self.check_no_pending(&object.relation, "DROP TABLE")?;
        self.forget_references(&object.relation)?;
        let relation = &object.relation;
        for tree in crate::catalog::object::Object::Relation(object.clone()).trees() {
            self.txn().drop_tree(tree).map_err(store_error)?;
        }
        if object.sequence.is_some() {
            self.transaction.after_commit.push(AfterCommit::RemoveSequence(relation.tree));
        }
        for index in &relation.indexes {
            self.release_name(Class::Relation, relation.namespace, &index.name)?;
            self.remove_comments(class::CLASS, index.oid)?;
        }
        for constraint in &relation.constraints {
            self.remove_comments(class::CONSTRAINT, constraint.oid)?;
        }
        for policy in &relation.security.policies {
            self.remove_comments(class::POLICY, policy.oid)?;
        }
        self.release_name(Class::Relation, relation.namespace, &relation.name)?;
        if let Some(row) = &object.row_type {
            self.release_name(Class::Type, relation.namespace, &relation.name)?;
            self.release_name(Class::Type, relation.namespace, &row.array_name)?;
            self.remove_comments(class::TYPE, row.oid)?;
        }
        self.remove_comments(class::CLASS, oid)?;
        if self.view().catalog.stats(oid).is_some() {
            self.remove_object(ObjectKey::new(Class::Stats, oid))?;
        }
        self.remove_object(ObjectKey::new(Class::Relation, oid))
    }

    /// Removes an index, unless it goes with a constraint.
    fn remove_index(&mut self, table: Oid, oid: Oid) -> Result<()> {
        self.lock_relation(table, LockMode::AccessExclusive)?;
        let Ok(object) = self.object(table) else { return Ok(()) };
        let mut relation = (*object.relation).clone();
        let plain = |i: &Arc<nq_qsql::catalog::Index>| i.oid == oid && i.constraint == 0;
        let Some(at) = relation.indexes.iter().position(plain) else { return Ok(()) };
        let index = relation.indexes.remove(at);
        drop_trees(self, &[index.tree])?;
        self.release_name(Class::Relation, relation.namespace, &index.name)?;
        self.remove_comments(class::CLASS, oid)?;
        self.replace_relation(&object, relation)?;
        Ok(())
    }

    /// Takes a column's default away.
    fn remove_default(&mut self, oid: Oid, column: usize) -> Result<()> {
        self.lock_relation(oid, LockMode::AccessExclusive)?;
        let object = self.object(oid)?;
        let mut relation = (*object.relation).clone();
        relation.columns[column].default = None;
        let depends = object.depends.iter().filter(|d| d.from != Some(column)).copied().collect();
        self.put_relation(RelationObject { relation: Arc::new(relation), depends, ..(*object).clone() })?;
        Ok(())
    }

    /// Removes a schema, which is empty.
    fn remove_schema(&mut self, oid: Oid) -> Result<()> {
        let Some(namespace) = self.view().catalog.namespace(oid).cloned() else { return Ok(()) };
        self.release_name(Class::Namespace, 0, &namespace.name)?;
        self.remove_comments(class::NAMESPACE, oid)?;
        self.remove_object(ObjectKey::new(Class::Namespace, oid))
    }

    /// Whether an index uses a column in any way.
    pub(crate) fn index_mentions(
        &mut self,
        relation: &Relation,
        index: &nq_qsql::catalog::Index,
        column: usize,
    ) -> Result<bool> {
        if index.include.contains(&column) {
            return Ok(true);
        }
        for key in &index.columns {
            let uses = match &key.key {
                IndexKey::Column(i) => *i == column,
                IndexKey::Expression(text) => self.mentions(text, relation, StoredKind::Index, column)?,
            };
            if uses {
                return Ok(true);
            }
        }
        match &index.predicate {
            Some(text) => self.mentions(text, relation, StoredKind::IndexPredicate, column),
            None => Ok(false),
        }
    }

    /// Whether a constraint speaks of a column, other than by its index.
    pub(crate) fn constraint_mentions(
        &mut self,
        relation: &Relation,
        kind: &ConstraintKind,
        column: usize,
    ) -> Result<bool> {
        match kind {
            ConstraintKind::Check(text) => self.mentions(text, relation, StoredKind::Check, column),
            ConstraintKind::NotNull(i) => Ok(*i == column),
            ConstraintKind::ForeignKey(key) => Ok(key.columns.contains(&column)),
            ConstraintKind::Primary(_) | ConstraintKind::Unique(_) | ConstraintKind::Exclude(_) => Ok(false),
        }
    }
}

/// Drops the trees of indexes.
pub(crate) fn drop_trees(session: &mut Session, trees: &[u32]) -> Result<()> {
    for &tree in trees {
        session.txn().drop_tree(TreeId(tree)).map_err(store_error)?;
    }
    Ok(())
}
