//! Table constraints: NOT NULL, CHECK, PRIMARY KEY, UNIQUE.

use std::sync::Arc;

use nq_qsql::bind::StoredKind;
use nq_qsql::catalog::{Constraint, ConstraintKind, Index, IndexColumn, IndexKey, Relation, Timing};
use nq_qsql::error::{Result, SqlError, SqlState};
use nq_qsql::func::access::AccessMethod;
use nq_qsql::parse::ast::{self, Ast, Ident};
use nq_qsql::types::Oid;
use nq_qsql::{bail, sql_err};

use super::exclusion::Exclude;
use super::foreign_key::timing;
use super::names;
use crate::session::Session;
use crate::session::utility::Done;

impl Session {
    /// SET CONSTRAINTS. `names` is empty for ALL.
    pub(crate) fn set_constraints(&mut self, names: &[ast::ObjectName], deferred: bool) -> Result<Done> {
        if self.check_inside_block("SET CONSTRAINTS").is_err() {
            let text = "SET CONSTRAINTS can only be used in transaction blocks";
            self.host.warn(SqlError::new(SqlState::NO_ACTIVE_SQL_TRANSACTION, text));
        }
        let mut chosen: Vec<Oid> = Vec::new();
        for name in names {
            let (view, constraint) = (self.view().clone(), &**name.object());
            let schemas = match name.schema() {
                Some(schema) => vec![self.need_namespace(schema).map_err(|mut e| {
                    e.0.byte_offset = None;
                    e
                })?],
                None => view.path.to_vec(),
            };
            let relations = view.catalog.relations();
            // Those of the first schema on the path that has one of the name.
            let of_schema = |schema: &Oid| -> Vec<(Oid, Timing)> {
                let within = relations.iter().filter(|r| r.relation.namespace == *schema);
                let named = within.flat_map(|r| &r.relation.constraints).filter(|c| *c.name == *constraint);
                named.map(|c| (c.oid, c.timing)).collect()
            };
            let Some(found) = schemas.iter().map(of_schema).find(|found| !found.is_empty()) else {
                bail!(UNDEFINED_OBJECT, "constraint \"{constraint}\" does not exist")
            };
            for (oid, timing) in found {
                if timing.is_deferrable() {
                    chosen.push(oid);
                } else if deferred {
                    bail!(WRONG_OBJECT_TYPE, "constraint \"{constraint}\" is not deferrable");
                }
            }
        }
        let modes = &mut self.transaction.pending.modes;
        match names.is_empty() {
            true => modes.set_all(deferred),
            false => chosen.iter().for_each(|oid| modes.set(*oid, deferred)),
        }
        if !deferred {
            self.settle_deferred((!names.is_empty()).then_some(&chosen))?;
        }
        Done::tag("SET CONSTRAINTS")
    }

    /// Whether a relation of that name exists in a schema, among those about to be made too.
    pub(crate) fn name_taken(&self, relation: &Relation, name: &str) -> bool {
        let view = self.view();
        view.catalog.relation_oid(relation.namespace, name).is_some()
            || *relation.name == *name
            || relation.indexes.iter().any(|i| *i.name == *name)
            || relation.constraints.iter().any(|c| *c.name == *name)
    }

    /// Adds a NOT NULL constraint's row, unless the column has one.
    ///
    /// # Errors
    /// 42710; 55000 if the one that is there says otherwise whether it is inherited.
    pub(crate) fn add_not_null(
        &mut self,
        relation: &mut Relation,
        column: usize,
        name: Option<&str>,
        no_inherit: bool,
    ) -> Result<()> {
        relation.columns[column].not_null = true;
        if let Some(has) = not_null_of(&relation.constraints, column) {
            if has.no_inherit != no_inherit && name.is_some() {
                bail!(
                    OBJECT_NOT_IN_PREREQUISITE_STATE,
                    "cannot change NO INHERIT status of NOT NULL constraint \"{}\" on relation \"{}\"",
                    has.name,
                    relation.name
                );
            }
            return Ok(());
        }
        let name = match name {
            Some(name) => {
                self.check_constraint_name(relation, name)?;
                name.to_owned()
            }
            None => {
                let column = relation.columns[column].name.clone();
                let table = relation.name.clone();
                names::choose(&table, Some(&column), "not_null", |n| {
                    relation.constraints.iter().any(|c| *c.name == *n)
                })
            }
        };
        let oid = self.db.next_oid()?;
        let made = Constraint::new(oid, name.into(), ConstraintKind::NotNull(column));
        relation.constraints.push(Constraint { no_inherit, ..made });
        Ok(())
    }

    pub(crate) fn check_constraint_name(&self, relation: &Relation, name: &str) -> Result<()> {
        match relation.constraints.iter().any(|c| *c.name == *name) {
            true => bail!(
                DUPLICATE_OBJECT,
                "constraint \"{name}\" for relation \"{}\" already exists",
                relation.name
            ),
            false => Ok(()),
        }
    }

    /// Adds a CHECK constraint. `column`: the column whose definition it stands in.
    pub(crate) fn add_check(
        &mut self,
        ast: &Ast,
        relation: &mut Relation,
        name: Option<&Ident>,
        expr: ast::ExprId,
        column: Option<&str>,
        validated: bool,
    ) -> Result<Oid> {
        let stored = self.store_expression(ast, expr, relation, StoredKind::Check, None)?;
        let name = match name {
            Some(name) => {
                self.check_constraint_name(relation, name)?;
                name.name.clone()
            }
            None => {
                // One column mentioned: it is part of the name.
                let mentioned = match (column, stored.columns.as_slice()) {
                    (_, [one]) => Some(relation.columns[*one].name.clone()),
                    (Some(column), []) => Some(column.into()),
                    _ => None,
                };
                let table = relation.name.clone();
                names::choose(&table, mentioned.as_deref(), "check", |n| {
                    relation.constraints.iter().any(|c| *c.name == *n)
                })
                .into()
            }
        };
        let oid = self.db.next_oid()?;
        let kind = ConstraintKind::Check(stored.text);
        relation.constraints.push(Constraint { validated, ..Constraint::new(oid, name, kind) });
        Ok(oid)
    }

    /// Adds a PRIMARY KEY or UNIQUE constraint with its index, whose tree is empty. Returns the index.
    #[allow(clippy::too_many_arguments, reason = "the parts of the clause")]
    pub(crate) fn add_key(
        &mut self,
        relation: &mut Relation,
        name: Option<&Ident>,
        columns: &[Ident],
        primary: bool,
        nulls_not_distinct: bool,
        details: &ast::ConstraintIndex,
        timing: Timing,
    ) -> Result<Arc<Index>> {
        let mut include = Vec::with_capacity(details.include.len());
        for column in &details.include {
            include.push(relation.column(column).ok_or_else(|| {
                sql_err!(UNDEFINED_COLUMN, "column \"{}\" named in key does not exist", &**column)
                    .at(column.pos)
            })?);
        }
        let options = super::options::read_index_options(AccessMethod::Btree, &details.options)?;
        if primary && relation.indexes.iter().any(|i| i.primary) {
            bail!(
                INVALID_TABLE_DEFINITION,
                "multiple primary keys for table \"{}\" are not allowed",
                relation.name
            );
        }
        let mut keys = Vec::with_capacity(columns.len());
        for column in columns {
            let Some(i) = relation.column(column) else {
                if primary && self.view().catalog.object(relation.oid).is_some() {
                    bail!(
                        UNDEFINED_COLUMN,
                        "column \"{}\" of relation \"{}\" does not exist",
                        &**column,
                        relation.name
                    );
                }
                return Err(sql_err!(
                    UNDEFINED_COLUMN,
                    "column \"{}\" named in key does not exist",
                    &**column
                )
                .at(column.pos));
            };
            if keys.contains(&i) {
                let kind = if primary { "primary key" } else { "unique" };
                return Err(sql_err!(
                    DUPLICATE_COLUMN,
                    "column \"{}\" appears twice in {kind} constraint",
                    &**column
                )
                .at(column.pos));
            }
            keys.push(i);
        }
        if primary {
            for &i in &keys {
                check_proved(relation, i)?;
                self.add_not_null(relation, i, None, false)?;
            }
        }
        let name: Box<str> = match name {
            Some(name) => {
                if self.name_taken(relation, name) {
                    bail!(DUPLICATE_TABLE, "relation \"{}\" already exists", &**name);
                }
                name.name.clone()
            }
            None if primary => {
                names::choose(&relation.name, None, "pkey", |n| self.name_taken(relation, n)).into()
            }
            None => {
                let part =
                    names::columns_part(keys.iter().chain(&include).map(|i| &*relation.columns[*i].name));
                names::choose(&relation.name, Some(&part), "key", |n| self.name_taken(relation, n)).into()
            }
        };
        let what = if primary { "primary keys" } else { "unique constraints" };
        super::generated::refuse_virtual(relation, keys.iter().copied(), what)?;
        let constraint = self.db.next_oid()?;
        let columns = keys
            .iter()
            .map(|&i| {
                let column = &relation.columns[i];
                check_indexable(column.ty.oid)?;
                Ok(IndexColumn {
                    name: column.name.clone(),
                    opclass: 0,
                    key: IndexKey::Column(i),
                    ty: column.ty,
                    descending: false,
                    nulls_first: false,
                    collation: column.collation,
                })
            })
            .collect::<Result<Vec<_>>>()?;
        let index = Arc::new(Index {
            oid: self.db.next_oid()?,
            name: name.clone(),
            tree: self.txn().create_tree().map_err(crate::error::store_error)?.0,
            unique: !timing.is_deferrable(),
            primary,
            nulls_not_distinct,
            columns,
            predicate: None,
            constraint,
            valid: true,
            deferrable: timing.is_deferrable(),
            include,
            options,
            method: AccessMethod::Btree,
            exclusion: Vec::new(),
            clustered: false,
        });
        let kind =
            if primary { ConstraintKind::Primary(index.oid) } else { ConstraintKind::Unique(index.oid) };
        relation.constraints.push(Constraint { timing, ..Constraint::new(constraint, name, kind) });
        // The primary key's index comes first.
        let at = if primary { 0 } else { relation.indexes.len() };
        relation.indexes.insert(at, index.clone());
        Ok(index)
    }

    /// Adds a constraint of a table or a column. Returns the index it made.
    pub(crate) fn add_constraint(
        &mut self,
        ast: &Ast,
        relation: &mut Relation,
        constraint: &ast::Constraint,
        column: Option<&Ident>,
    ) -> Result<Option<Arc<Index>>> {
        if let ast::ConstraintKind::ForeignKey(_) = constraint.kind {
            // The caller makes foreign keys when the table is there.
            return Ok(None);
        }
        let timing = timing(constraint.deferrable, constraint.initially_deferred);
        let own = column.map(std::slice::from_ref).unwrap_or_default();
        let listed = |columns: &'_ [Ident]| if columns.is_empty() { own.to_vec() } else { columns.to_vec() };
        match &constraint.kind {
            ast::ConstraintKind::Check(expr) => {
                let name = constraint.name.as_ref();
                let column = column.map(|c| &**c);
                let enforced = constraint.enforced != Some(false);
                self.add_check(ast, relation, name, *expr, column, enforced && !constraint.not_valid)?;
                if let Some(made) = relation.constraints.last_mut() {
                    made.enforced = enforced;
                    made.no_inherit = constraint.no_inherit;
                }
                Ok(None)
            }
            ast::ConstraintKind::PrimaryKey { columns, index, without_overlaps: false } => self
                .add_key(relation, constraint.name.as_ref(), &listed(columns), true, false, index, timing)
                .map(Some),
            ast::ConstraintKind::Unique { columns, nulls_not_distinct, index, without_overlaps: false } => {
                self.add_key(
                    relation,
                    constraint.name.as_ref(),
                    &listed(columns),
                    false,
                    *nulls_not_distinct,
                    index,
                    timing,
                )
                .map(Some)
            }
            ast::ConstraintKind::NotNull { column: named } => {
                let Some(name) = named.as_ref().or(column) else {
                    return Err(SqlError::internal("NOT NULL without a column"));
                };
                let Some(i) = relation.column(name) else {
                    bail!(
                        UNDEFINED_COLUMN,
                        "column \"{}\" of relation \"{}\" does not exist",
                        &**name,
                        relation.name
                    )
                };
                self.add_not_null(relation, i, constraint.name.as_deref(), constraint.no_inherit)?;
                Ok(None)
            }
            ast::ConstraintKind::Exclude { method, elements, filter, index } => {
                let exclude = Exclude {
                    name: constraint.name.as_ref(),
                    method: method.as_ref(),
                    elements,
                    filter: *filter,
                    details: index,
                    timing,
                };
                self.add_exclusion(ast, relation, &exclude).map(Some)
            }
            ast::ConstraintKind::PrimaryKey { .. } | ast::ConstraintKind::Unique { .. } => {
                Err(SqlError::unsupported("WITHOUT OVERLAPS"))
            }
            ast::ConstraintKind::Null
            | ast::ConstraintKind::Default(_)
            | ast::ConstraintKind::ForeignKey(_)
            | ast::ConstraintKind::Identity { .. }
            | ast::ConstraintKind::Generated { .. } => {
                Err(SqlError::internal("a column's clause among constraints"))
            }
        }
    }
}

/// Refuses a column of a primary key that may hold NULLs although it is declared NOT NULL.
pub(crate) fn check_proved(relation: &Relation, column: usize) -> Result<()> {
    let name = &relation.columns[column].name;
    let Some(constraint) = not_null_of(&relation.constraints, column) else { return Ok(()) };
    let refuse = |mark: &str, hint: &str| {
        Err(sql_err!(
            OBJECT_NOT_IN_PREREQUISITE_STATE,
            "cannot create primary key on column \"{name}\""
        )
        .detail(format!(
            "The constraint \"{}\" on column \"{name}\" of table \"{}\", marked {mark}, is incompatible with a primary key.",
            constraint.name, relation.name
        ))
        .hint(hint))
    };
    if !constraint.validated {
        return refuse(
            "NOT VALID",
            "You might need to validate it using ALTER TABLE ... VALIDATE CONSTRAINT.",
        );
    }
    if constraint.no_inherit {
        return refuse(
            "NO INHERIT",
            "You might need to make the existing constraint inheritable using ALTER TABLE ... ALTER CONSTRAINT ... INHERIT.",
        );
    }
    Ok(())
}

/// The NOT NULL constraint of a column.
pub(crate) fn not_null_of(constraints: &[Constraint], column: usize) -> Option<&Constraint> {
    constraints.iter().find(|c| matches!(c.kind, ConstraintKind::NotNull(i) if i == column))
}

/// Refuses types without an order.
pub(crate) fn check_indexable(ty: Oid) -> Result<()> {
    match nq_qsql::func::opclass::ordering_operators(ty) {
        Ok(_) => Ok(()),
        Err(_) => Err(no_default_class(AccessMethod::Btree, ty)),
    }
}

/// `data type x has no default operator class for access method "y"`
pub(super) fn no_default_class(method: AccessMethod, ty: Oid) -> SqlError {
    sql_err!(
        UNDEFINED_OBJECT,
        "data type {} has no default operator class for access method \"{}\"",
        nq_qsql::types::info::format_type(ty, None),
        method.name()
    )
    .hint("You must specify an operator class for the index or define a default operator class for the data type.")
}
