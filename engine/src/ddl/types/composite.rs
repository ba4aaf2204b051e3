//! CREATE TYPE ... AS (...), and its attributes.

use nq_qsql::bail;
use nq_qsql::catalog::{Column, Persistence, RelationKind};
use nq_qsql::error::{Result, SqlError};
use nq_qsql::parse::ast::{AlterTable, AlterTableCommand, Ast, ColumnSpec, Ident, ObjectName};
use nq_qsql::sql_err;
use nq_qsql::types::user::{UserKind, UserType};
use nq_qsql::types::{Datum, IoContext, Oid, info};
use nq_storage::txn::lock::LockMode;
use std::sync::Arc;

use crate::catalog::class;
use crate::catalog::object::{Class, Object, ObjectKey, RelationObject};
use crate::ddl::column::{check_distinct, type_collation};
use crate::session::Session;
use crate::session::utility::Done;

impl Session {
    pub(super) fn create_composite(
        &mut self,
        ast: &Ast,
        name: &ObjectName,
        specs: &[ColumnSpec],
    ) -> Result<()> {
        let namespace = self.type_schema(name)?;
        let array =
            |oid| self.view().catalog.user_type(oid).is_some_and(|t| matches!(t.kind, UserKind::Array));
        let taken = self.view().catalog.type_oid(namespace.oid, name.object());
        if taken.is_some_and(|oid| !array(oid)) {
            return Err(super::exists(name.object()));
        }
        self.relation_exists(&namespace, name, false)?;
        let mut columns = Vec::with_capacity(specs.len());
        for spec in specs {
            columns.push(self.attribute(ast, &spec.name, &spec.ty, spec.collation.as_ref())?);
        }
        check_distinct(columns.iter().map(|c| &*c.name))?;
        let name = name.object().name.clone();
        let mut relation =
            self.new_relation(&namespace, name, RelationKind::Composite, Persistence::Permanent)?;
        relation.columns = columns;
        self.claim_relation_name(&relation)?;
        let row_type = Some(self.new_row_type(&relation)?);
        let object = RelationObject::new(relation, row_type);
        let key = ObjectKey::new(Class::Relation, object.relation.oid);
        self.put_object(key, Object::Relation(Arc::new(object)))
    }

    fn attribute(
        &mut self,
        ast: &Ast,
        name: &Ident,
        ty: &nq_qsql::parse::ast::TypeName,
        collation: Option<&ObjectName>,
    ) -> Result<Column> {
        let found = self.column_type(ast, ty, name).map_err(|mut e| {
            e.0.byte_offset = None;
            e
        })?;
        self.check_type_usage(found.oid)?;
        Ok(Column::new(
            name.name.clone(),
            found,
            match collation {
                Some(collation) => self.collation(collation, found)?,
                None => type_collation(found.oid),
            },
        ))
    }

    /// Refuses to change a type that values in tables are of: columns of it, of arrays and composites with it inside, of domains over
    /// those. `inside`: columns of the type itself do not count.
    ///
    /// # Errors
    /// 0A000 `cannot alter type "t" because column "x.y" uses it`.
    pub(crate) fn check_not_inside_columns(&mut self, oid: Oid, inside: bool) -> Result<()> {
        let view = self.view().clone();
        let Some(ty) = view.catalog.user_type(oid).cloned() else { return Ok(()) };
        let mut open: Vec<Oid> = vec![oid];
        let mut seen: Vec<Oid> = Vec::new();
        while let Some(one) = open.pop() {
            if seen.contains(&one) {
                continue;
            }
            // The array type comes first.
            let array = info::array_of(one);
            if array != 0 && !seen.contains(&array) {
                open.extend([one, array]);
                continue;
            }
            seen.push(one);
            let first = one == oid && inside;
            for object in view.catalog.relations() {
                let relation = &object.relation;
                for (_, column) in relation.live_columns().filter(|(_, c)| c.ty.oid == one) {
                    match relation.kind {
                        RelationKind::Table | RelationKind::MaterializedView if !first => {
                            return Err(in_use(&ty, &relation.name, &column.name));
                        }
                        RelationKind::Composite => {
                            open.extend(object.row_type.as_ref().map(|row| row.oid));
                        }
                        _ => {}
                    }
                }
            }
            if !first {
                let over = view.catalog.type_objects().into_iter();
                let over = over.filter(|t| t.ty.domain().is_some_and(|d| d.over.oid == one));
                open.extend(over.map(|t| t.ty.info.oid));
            }
        }
        Ok(())
    }

    /// Finds a composite type that ALTER TYPE names.
    fn altered_composite(&mut self, name: &ObjectName) -> Result<Arc<RelationObject>> {
        let found = match self.find_relation(name)? {
            Some(relation) => relation,
            None => bail!(UNDEFINED_TABLE, "relation \"{name}\" does not exist"),
        };
        if found.kind != RelationKind::Composite {
            bail!(WRONG_OBJECT_TYPE, "\"{}\" is not a composite type", found.name);
        }
        self.check_owner(&found)?;
        self.lock_relation(found.oid, LockMode::AccessExclusive)?;
        self.object(found.oid)
    }

    /// ALTER TYPE ... ADD, DROP, ALTER ATTRIBUTE.
    pub(crate) fn alter_composite(&mut self, ast: &Ast, alter: &AlterTable) -> Result<Done> {
        let object = self.altered_composite(&alter.table.name)?;
        let Some(row) = object.row_type.as_ref().map(|row| row.oid) else {
            return Err(SqlError::internal("a composite type without a type"));
        };
        let mut relation = (*object.relation).clone();
        for command in &alter.commands {
            match command {
                AlterTableCommand::AddColumn { column, .. } => {
                    if relation.column(&column.name).is_some() {
                        bail!(
                            DUPLICATE_COLUMN,
                            "column \"{}\" of relation \"{}\" already exists",
                            column.name.name,
                            relation.name
                        );
                    }
                    let Some(ty) = &column.ty else { bail!(SYNTAX_ERROR, "an attribute without a type") };
                    let new = self.attribute(ast, &column.name, ty, column.collation.as_ref())?;
                    if info::base_type(new.ty.oid) == row || info::element_of(new.ty.oid) == Some(row) {
                        let shown = info::type_name(row);
                        bail!(
                            INVALID_TABLE_DEFINITION,
                            "composite type {shown} cannot be made a member of itself"
                        );
                    }
                    relation.columns.push(new);
                }
                AlterTableCommand::DropColumn { name, if_exists, .. } => {
                    let Some(at) = relation.column(name) else {
                        if *if_exists {
                            self.host.skipping(format!(
                                "column \"{}\" of relation \"{}\" does not exist, skipping",
                                name.name, relation.name
                            ));
                            continue;
                        }
                        return Err(no_attribute(name, &relation.name));
                    };
                    relation.columns[at].dropped = true;
                    self.remove_object_comment(relation.oid, at)?;
                }
                AlterTableCommand::AlterType { column, ty, collation, .. } => {
                    let Some(at) = relation.column(column) else {
                        return Err(no_attribute(column, &relation.name));
                    };
                    self.check_not_inside_columns(row, false)?;
                    let new = self.attribute(ast, column, ty, collation.as_ref())?;
                    relation.columns[at].ty = new.ty;
                    relation.columns[at].collation = new.collation;
                }
                _ => return Err(SqlError::unsupported("ALTER TYPE")),
            }
        }
        self.replace_relation(&object, relation)?;
        Done::tag("ALTER TYPE")
    }

    fn remove_object_comment(&mut self, oid: Oid, column: usize) -> Result<()> {
        let sub = column as i32 + 1;
        match self.view().comment(class::CLASS, oid, sub).is_some() {
            true => self.remove_object(Session::relation_comment(oid, sub)),
            false => Ok(()),
        }
    }

    /// ALTER TYPE ... RENAME ATTRIBUTE.
    pub(crate) fn rename_attribute(&mut self, name: &ObjectName, old: &Ident, new: &Ident) -> Result<()> {
        let object = self.altered_composite(name)?;
        let mut relation = (*object.relation).clone();
        let Some(at) = relation.column(old) else {
            bail!(UNDEFINED_COLUMN, "column \"{}\" does not exist", old.name)
        };
        if relation.column(new).is_some() {
            bail!(
                DUPLICATE_COLUMN,
                "column \"{}\" of relation \"{}\" already exists",
                new.name,
                relation.name
            );
        }
        relation.columns[at].name = new.name.clone();
        self.replace_relation(&object, relation)?;
        Ok(())
    }

    /// Calls `look` with each row that a table holds.
    pub(super) fn each_stored_row(
        &mut self,
        table: &Arc<nq_qsql::catalog::Relation>,
        look: impl Fn(&[Datum], &IoContext<'_>) -> Result<()>,
    ) -> Result<()> {
        let view = self.view().clone();
        let io = self.host.io(&view);
        self.scan_rows(table, &mut |row| look(row, &io))
    }
}

fn in_use(ty: &UserType, table: &str, column: &str) -> SqlError {
    match &ty.kind {
        UserKind::Composite(relation) if relation.kind != RelationKind::Composite => sql_err!(
            FEATURE_NOT_SUPPORTED,
            "cannot alter table \"{}\" because column \"{table}.{column}\" uses its row type",
            relation.name
        ),
        _ => sql_err!(
            FEATURE_NOT_SUPPORTED,
            "cannot alter type \"{}\" because column \"{table}.{column}\" uses it",
            ty.info.name
        ),
    }
}

fn no_attribute(name: &Ident, relation: &str) -> SqlError {
    sql_err!(UNDEFINED_COLUMN, "column \"{}\" of relation \"{relation}\" does not exist", name.name)
}
