//! CREATE VIEW, and views when something they name gets another name.
//!
//! A view is stored as the text of its query with every name made explicit (see `nq_qsql::bind::Resolution`). A statement that
//! renames what the text names captures the view's meaning before the change, and has it printed anew after it.

use std::sync::Arc;

use nq_qsql::bind::{
    Bound, Resolution, StoredKind, bind_stored_query, bind_view_query, explicit_text, view_obstacle,
};
use nq_qsql::catalog::{Catalog, Column, Persistence, Relation, RelationKind};
use nq_qsql::error::{Result, SqlError};
use nq_qsql::parse::ParsedStatement;
use nq_qsql::parse::ast::{self, Ast, CreateView, QueryId, Statement};
use nq_qsql::types::{Oid, info, oid};
use nq_qsql::{bail, sql_err};
use nq_storage::txn::lock::LockMode;

use super::policy::Condition;
use super::stored::{default_dependencies, name_column};
use super::table::{already_exists, result_columns};
use crate::catalog::object::{Dependency, RelationObject};
use crate::catalog::quote_identifier;
use crate::session::Session;
use crate::session::prepared::Source;
use crate::session::utility::Done;

/// Where the text of a query is kept.
#[derive(Clone, Copy)]
enum Place {
    View(Oid),
    /// A policy's condition: the table, the policy, whether it is WITH CHECK.
    Policy(Oid, Oid, bool),
}

/// A stored query with the meaning of its text.
pub(crate) struct Captured {
    place: Place,
    parsed: ParsedStatement,
    resolution: Resolution,
}

/// The query of a view's text.
pub(crate) fn only_query(text: &str) -> Result<(ParsedStatement, QueryId)> {
    let parsed = nq_qsql::parse::parse_statements(text)?.into_iter().next();
    let parsed = parsed.ok_or_else(|| SqlError::internal("a view without text"))?;
    match parsed.ast.statement {
        Statement::Query(query) => Ok((parsed, query)),
        _ => Err(SqlError::internal("a view is a query")),
    }
}

impl Session {
    /// CREATE VIEW.
    pub(crate) fn create_view(
        &mut self,
        source: &Arc<Source>,
        ast: &Ast,
        create: &CreateView,
    ) -> Result<Done> {
        if ast.max_param > 0 {
            return Err(sql_err!(UNDEFINED_PARAMETER, "there is no parameter $1"));
        }
        if !create.recursive {
            return self.store_view(ast, create, create.query, &create.columns);
        }
        // CREATE RECURSIVE VIEW v (a) AS q  =  CREATE VIEW v (a) AS WITH RECURSIVE v (a) AS (q) SELECT a FROM v
        let name = quote_identifier(create.name.object());
        let columns: Vec<String> = create.columns.iter().map(|c| quote_identifier(c)).collect();
        let columns = columns.join(", ");
        let query = &source.text[create.start as usize..create.end as usize];
        let text = format!("WITH RECURSIVE {name}({columns}) AS ({query}) SELECT {columns} FROM {name}");
        let (parsed, query) = only_query(&text)?;
        self.store_view(&parsed.ast, create, query, &create.columns)
    }

    fn store_view(
        &mut self,
        ast: &Ast,
        create: &CreateView,
        query: QueryId,
        names: &[ast::Ident],
    ) -> Result<Done> {
        let mut options = super::options::read_view_options(&create.options)?;
        match create.check_option {
            Some(ast::CheckOption::Local) => options.push("check_option=local".into()),
            Some(ast::CheckOption::Cascaded) => options.push("check_option=cascaded".into()),
            None => {}
        }
        let view = self.view().clone();
        let (bound, resolution) = self.with_bind_cx(|cx| bind_view_query(ast, query, cx))?;
        let text = explicit_text(ast, query, &resolution, &*view)?;
        for used in &bound.relations {
            if used.check_as.is_none() && used.relation.oid >= crate::catalog::FIRST_NORMAL_OID {
                self.lock_relation(used.relation.oid, LockMode::AccessShare)?;
            }
        }
        let names: Vec<Box<str>> = names.iter().map(|n| n.name.clone()).collect();
        if names.len() > bound.columns.len() {
            bail!(SYNTAX_ERROR, "CREATE VIEW specifies more column names than columns");
        }
        let mut columns = result_columns(&bound.columns, &names)?;
        for (column, id) in columns.iter_mut().zip(&bound.outputs) {
            column.collation = bound.collations[*id as usize];
        }
        let temporary = self.wants_temporary(create, &bound);
        let namespace = self.creation_schema(&create.name, temporary)?;
        let depends = view_dependencies(&resolution);
        let existing = self.view().catalog.relation_oid(namespace.oid, create.name.object());
        if let Some(oid) = existing {
            if !create.or_replace {
                return Err(already_exists(create.name.object()));
            }
            self.lock_relation(oid, LockMode::AccessExclusive)?;
            let found = self.view().relation_by_oid(oid);
            let Some(old) = found.filter(|r| r.kind == RelationKind::View) else {
                bail!(WRONG_OBJECT_TYPE, "\"{}\" is not a view", &**create.name.object());
            };
            self.check_owner(&old)?;
            check_replacement(&old, &columns)?;
            for (column, was) in columns.iter_mut().zip(&old.columns) {
                column.default = was.default.clone();
            }
            let object = self.object(oid)?;
            let defaults = object.depends.iter().filter(|d| d.from.is_some()).copied();
            let depends = depends.into_iter().chain(defaults).collect();
            let relation = Relation { columns, view: Some(text.into()), options, ..(*old).clone() };
            self.check_view_options(&relation)?;
            self.put_relation(RelationObject { relation: Arc::new(relation), depends, ..(*object).clone() })?;
            return Done::tag("CREATE VIEW");
        }
        let name = create.name.object().name.clone();
        let mut relation = self.new_relation(&namespace, name, RelationKind::View, Persistence::Permanent)?;
        relation.columns = columns;
        relation.view = Some(text.into());
        relation.options = options;
        self.check_view_options(&relation)?;
        self.claim_relation_name(&relation)?;
        let row_type = Some(self.new_row_type(&relation)?);
        self.put_relation(RelationObject { depends, ..RelationObject::new(relation, row_type) })?;
        Done::tag("CREATE VIEW")
    }

    /// Refuses WITH CHECK OPTION for a view through which nothing can be written.
    pub(crate) fn check_view_options(&mut self, view: &Relation) -> Result<()> {
        if !view.options.iter().any(|o| o.starts_with("check_option=")) {
            return Ok(());
        }
        let view = Arc::new(view.clone());
        match self.with_bind_cx(|cx| view_obstacle(&view, cx))? {
            None => Ok(()),
            Some(why) => Err(sql_err!(
                FEATURE_NOT_SUPPORTED,
                "WITH CHECK OPTION is supported only on automatically updatable views"
            )
            .hint(why)),
        }
    }

    /// SET DEFAULT and DROP DEFAULT of a view's column.
    pub(crate) fn set_view_default(
        &mut self,
        ast: &Ast,
        view: Oid,
        name: &ast::Ident,
        value: Option<ast::ExprId>,
    ) -> Result<()> {
        let object = self.object(view)?;
        let mut changed = (*object.relation).clone();
        let Some(i) = changed.column(name) else {
            let view = &changed.name;
            bail!(UNDEFINED_COLUMN, "column \"{}\" of relation \"{view}\" does not exist", &**name);
        };
        let mut depends: Vec<Dependency> = object.depends.clone();
        depends.retain(|d| d.from != Some(i));
        changed.columns[i].default = match value {
            None => None,
            Some(value) => {
                let ty = Some(changed.columns[i].ty);
                let stored = self
                    .store_expression(ast, value, &changed, StoredKind::Default, ty)
                    .map_err(|e| name_column(e, name))?;
                depends.extend(default_dependencies(&stored.expr, i));
                Some(stored.text)
            }
        };
        let relation = Arc::new(changed);
        self.put_relation(RelationObject { relation, depends, ..(*object).clone() })?;
        Ok(())
    }

    /// A view of temporary tables is temporary, too.
    fn wants_temporary(&mut self, create: &CreateView, bound: &Bound) -> bool {
        if create.persistence == ast::Persistence::Temporary {
            return true;
        }
        let temporary = bound.relations.iter().any(|u| u.relation.persistence == Persistence::Temporary);
        if temporary && create.name.schema().is_none() {
            self.host.skipping(format!("view \"{}\" will be a temporary view", &**create.name.object()));
        }
        temporary
    }

    /// The views and policies that use some of these relations, with what their texts mean now.
    pub(crate) fn capture_views(&mut self, relations: &[Oid]) -> Result<Vec<Captured>> {
        let state = self.view().clone();
        let mut views: Vec<Arc<RelationObject>> = Vec::new();
        for &relation in relations {
            for object in state.catalog.dependents(relation) {
                if matches!(object.relation.kind, RelationKind::View | RelationKind::MaterializedView)
                    && !views.iter().any(|v| v.relation.oid == object.relation.oid)
                {
                    views.push(object.clone());
                }
            }
        }
        let mut captured = Vec::with_capacity(views.len());
        for object in views {
            let Some(text) = &object.relation.view else { continue };
            let (parsed, query) = only_query(text)?;
            let (_, resolution) = self.with_bind_cx(|cx| bind_stored_query(&parsed.ast, query, cx))?;
            captured.push(Captured { place: Place::View(object.relation.oid), parsed, resolution });
        }
        for condition in self.policy_conditions()? {
            let Condition { table, policy, is_check, parsed, resolution } = condition;
            let used =
                |oid: &Oid| resolution.relations().contains(oid) || resolution.routines().contains(oid);
            if relations.iter().any(used) {
                captured.push(Captured {
                    place: Place::Policy(table.oid, policy, is_check),
                    parsed,
                    resolution,
                });
            }
        }
        Ok(captured)
    }

    /// Stores captured views again, under the names of now.
    pub(crate) fn restore_views(&mut self, captured: &[Captured]) -> Result<()> {
        for Captured { place, parsed, resolution } in captured {
            let Statement::Query(query) = parsed.ast.statement else { continue };
            let state = self.view().clone();
            let (Place::View(owner) | Place::Policy(owner, ..)) = *place;
            if state.relation_by_oid(owner).is_none() {
                continue;
            }
            let text = explicit_text(&parsed.ast, query, resolution, &*state)?.into();
            match *place {
                Place::View(view) => {
                    let object = self.object(view)?;
                    let relation = Relation { view: Some(text), ..(*object.relation).clone() };
                    self.replace_relation(&object, relation)?;
                }
                Place::Policy(table, policy, is_check) => {
                    self.replace_policy_text(table, policy, is_check, text)?;
                }
            }
        }
        Ok(())
    }
}

/// What a view's query refers to.
pub(super) fn view_dependencies(resolution: &Resolution) -> Vec<Dependency> {
    let user = |oid: &Oid| *oid >= crate::catalog::FIRST_NORMAL_OID;
    let tables = resolution.relations().into_iter().filter(user);
    let tables = tables.map(|relation| Dependency { relation, column: None, from: None });
    let columns = resolution.columns().iter().filter(|(relation, _)| user(relation));
    let columns =
        columns.map(|&(relation, column)| Dependency { relation, column: Some(column), from: None });
    let routines = resolution.routines().into_iter();
    let routines = routines.map(|relation| Dependency { relation, column: None, from: None });
    tables.chain(columns).chain(routines).collect()
}

/// CREATE OR REPLACE VIEW may add columns at the end, nothing else.
fn check_replacement(old: &Relation, new: &[Column]) -> Result<()> {
    if new.len() < old.columns.len() {
        bail!(INVALID_TABLE_DEFINITION, "cannot drop columns from view");
    }
    let shown = |c: &Column| info::format_type(c.ty.oid, (c.ty.typmod >= 0).then_some(c.ty.typmod));
    for (was, is) in old.columns.iter().zip(new) {
        if was.name != is.name {
            return Err(sql_err!(
                INVALID_TABLE_DEFINITION,
                "cannot change name of view column \"{}\" to \"{}\"",
                was.name,
                is.name
            )
            .hint("Use ALTER VIEW ... RENAME COLUMN ... to change name of view column instead."));
        }
        if was.ty != is.ty {
            bail!(
                INVALID_TABLE_DEFINITION,
                "cannot change data type of view column \"{}\" from {} to {}",
                was.name,
                shown(was),
                shown(is)
            );
        }
    }
    debug_assert!(new.iter().all(|c| c.ty.oid != oid::UNKNOWN));
    Ok(())
}
