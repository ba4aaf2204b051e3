//! CREATE TABLE.

use std::sync::Arc;

use nq_qsql::bind::StoredKind;
use nq_qsql::catalog::{
    Column, ColumnSettings, Generated, Index, IndexColumn, Persistence, Relation, RelationKind,
};
use nq_qsql::error::{Result, SqlError, SqlState};
use nq_qsql::parse::ast::{self, Ast, CreateTable, LikeOption, ObjectName, TableElement};
use nq_qsql::plan::expr::ExprKind;
use nq_qsql::plan::physical::OutputColumn;
use nq_qsql::types::{Datum, Oid, info, oid};
use nq_qsql::{bail, sql_err};

use super::column::{NewColumn, SYSTEM_COLUMNS, check_distinct, type_collation};
use super::names;
use super::stored::{default_dependencies, name_column};
use crate::catalog::object::{Class, Dependency, Namespace, OnCommit, RelationObject};
use crate::error::store_error;
use crate::session::Session;
use crate::session::prepared::Source;
use crate::session::utility::Done;

/// Most columns of a table.
pub(crate) const MAX_COLUMNS: usize = 1600;

/// A table being made.
struct NewTable {
    relation: Relation,
    depends: Vec<Dependency>,
    on_commit: OnCommit,
}

impl Session {
    /// CREATE TABLE.
    pub(crate) fn create_table(
        &mut self,
        _source: &Arc<Source>,
        ast: &Ast,
        create: &CreateTable,
    ) -> Result<Done> {
        refuse_unsupported(create)?;
        let temporary = create.persistence == ast::Persistence::Temporary;
        let place = |e: SqlError| match e.code() {
            SqlState::INSUFFICIENT_PRIVILEGE => e.at(create.name.pos()),
            _ => e,
        };
        let namespace = self.creation_schema(&create.name, temporary).map_err(place)?;
        if self.relation_exists(&namespace, &create.name, create.if_not_exists)? {
            return Done::tag("CREATE TABLE");
        }
        let on_commit = on_commit(create.on_commit, namespace.oid == self.host.temp_namespace)?;
        let name = create.name.object().name.clone();
        let relation =
            self.new_relation(&namespace, name, RelationKind::Table, persistence(create.persistence))?;
        let mut table = NewTable { relation, depends: Vec::new(), on_commit };
        table.relation.options = super::options::read_options(&create.options)?;

        let mut columns: Vec<NewColumn<'_>> = Vec::new();
        let mut likes = Vec::new();
        for element in &create.elements {
            match element {
                TableElement::Column(def) => {
                    let column = self.read_column(ast, def, &table.relation.name)?;
                    table.relation.columns.push(column.column.clone());
                    columns.push(column);
                }
                TableElement::Like(like) => {
                    let like = self.like_columns(like, &mut table)?;
                    likes.push(like);
                }
                TableElement::Constraint(_) => {}
            }
        }
        name_not_nulls(&create.elements, &mut columns)?;
        check_distinct(table.relation.columns.iter().map(|c| &*c.name))?;
        if table.relation.columns.len() > MAX_COLUMNS {
            bail!(TOO_MANY_COLUMNS, "tables can have at most {MAX_COLUMNS} columns");
        }
        self.claim_relation_name(&table.relation)?;
        table.relation.tree = self.txn().create_tree().map_err(store_error)?.0;
        for column in &columns {
            self.finish_column(ast, &mut table.relation, &mut table.depends, column)?;
        }
        for element in &create.elements {
            if let TableElement::Constraint(constraint) = element {
                self.add_constraint(ast, &mut table.relation, constraint, None)?;
            }
        }
        for like in likes {
            self.like_indexes(&like, &mut table.relation)?;
        }
        for index in table.relation.indexes.clone() {
            self.claim_index_name(&table.relation, &index)?;
        }
        let made = self.put_new_table(table)?;
        self.add_foreign_keys(made.relation.oid, &written_foreign_keys(&create.elements))?;
        Done::tag("CREATE TABLE")
    }

    /// Whether the name is taken: a notice with IF NOT EXISTS, else 42P07.
    pub(crate) fn relation_exists(
        &mut self,
        namespace: &Namespace,
        name: &ObjectName,
        if_not_exists: bool,
    ) -> Result<bool> {
        let object = name.object();
        let exists = self.view().catalog.relation_oid(namespace.oid, object).is_some();
        match (exists, if_not_exists) {
            (false, _) => Ok(false),
            (true, true) => {
                self.host.notice(sql_err!(
                    DUPLICATE_TABLE,
                    "relation \"{}\" already exists, skipping",
                    &**object
                ));
                Ok(true)
            }
            (true, false) => Err(already_exists(object)),
        }
    }

    /// The descriptor of a new relation without columns and storage.
    pub(crate) fn new_relation(
        &mut self,
        namespace: &Namespace,
        name: Box<str>,
        kind: RelationKind,
        persistence: Persistence,
    ) -> Result<Relation> {
        let persistence =
            if namespace.oid == self.host.temp_namespace { Persistence::Temporary } else { persistence };
        Ok(Relation {
            oid: self.db.next_oid()?,
            namespace: namespace.oid,
            schema: (&*namespace.name).into(),
            name,
            persistence,
            owner: self.host.current_user.oid,
            ..Relation::bare(kind, Vec::new())
        })
    }

    /// Makes a relation's name its own.
    pub(crate) fn claim_relation_name(&mut self, relation: &Relation) -> Result<()> {
        match self.claim_name(Class::Relation, relation.namespace, &relation.name, relation.oid)? {
            true => Ok(()),
            false => Err(already_exists(&relation.name)),
        }
    }

    /// Makes an index's name its own.
    pub(crate) fn claim_index_name(&mut self, table: &Relation, index: &Index) -> Result<()> {
        match self.claim_name(Class::Relation, table.namespace, &index.name, index.oid)? {
            true => Ok(()),
            false => Err(already_exists(&index.name)),
        }
    }

    fn put_new_table(&mut self, table: NewTable) -> Result<Arc<RelationObject>> {
        let row_type = Some(self.new_row_type(&table.relation)?);
        self.put_relation(RelationObject {
            depends: table.depends,
            on_commit: table.on_commit,
            ..RelationObject::new(table.relation, row_type)
        })
    }

    /// Gives a new column its sequence, default, generation expression and constraints.
    pub(crate) fn finish_column(
        &mut self,
        ast: &Ast,
        relation: &mut Relation,
        depends: &mut Vec<Dependency>,
        new: &NewColumn<'_>,
    ) -> Result<()> {
        let Some(i) = relation.column(new.name) else {
            return Err(SqlError::internal("a new column is missing"));
        };
        if let Some(ty) = new.serial {
            let sequence = self.create_owned_sequence(relation, i, ty, &[], false)?;
            relation.columns[i].default = Some(next_value(sequence.oid));
            depends.push(Dependency { relation: sequence.oid, column: None, from: Some(i) });
        }
        if let Some(options) = new.identity {
            let ty = relation.columns[i].ty.oid;
            let sequence = self.create_owned_sequence(relation, i, ty, options, true)?;
            relation.columns[i].default = Some(next_value(sequence.oid));
        }
        if let Some(expr) = new.expression {
            let generated = relation.columns[i].generated.is_computed();
            let kind = if generated { StoredKind::Generated } else { StoredKind::Default };
            let ty = relation.columns[i].ty;
            if relation.columns[i].generated == Generated::Virtual {
                super::generated::check_type(&relation.columns[i])?;
            }
            let stored = self
                .store_expression(ast, expr, relation, kind, Some(ty))
                .map_err(|e| name_column(e, new.name))?;
            if relation.columns[i].generated == Generated::Virtual {
                super::generated::check_expression(&stored.expr)?;
            }
            depends.extend(default_dependencies(&stored.expr, i));
            // No default and a default of NULL are the same.
            let is_null = matches!(stored.expr.kind, ExprKind::Const(Datum::Null));
            relation.columns[i].default = (generated || !is_null).then_some(stored.text);
        }
        if new.column.not_null {
            let in_key =
                new.constraints.iter().any(|c| matches!(c.kind, ast::ConstraintKind::PrimaryKey { .. }));
            if !in_key || new.not_null_name.is_some() {
                let name = new.not_null_name.map(|n| &**n);
                self.add_not_null(relation, i, name, new.not_null_no_inherit)?;
            }
        }
        for constraint in &new.constraints {
            self.add_constraint(ast, relation, constraint, Some(new.name))?;
        }
        Ok(())
    }

    /// Copies the columns of `LIKE table`. Returns what is needed for its indexes later.
    fn like_columns(&mut self, like: &ast::TableLike, table: &mut NewTable) -> Result<Like> {
        let source = self.need_relation(&like.table).map_err(|e| e.at(like.table.pos()))?;
        self.check_any_privilege(&source, crate::catalog::acl::SELECT)?;
        let wants = |option: LikeOption| {
            let mut on = false;
            for (including, which) in &like.options {
                if *which == option || *which == LikeOption::All {
                    on = *including;
                }
            }
            on
        };
        let mut map = vec![0; source.columns.len()];
        for (i, column) in source.live_columns() {
            map[i] = table.relation.columns.len();
            let generated = match column.generated {
                Generated::Stored | Generated::Virtual if wants(LikeOption::Generated) => column.generated,
                _ => Generated::No,
            };
            let keep_default = match column.generated {
                Generated::No => wants(LikeOption::Defaults),
                Generated::Stored | Generated::Virtual => wants(LikeOption::Generated),
                Generated::IdentityAlways | Generated::IdentityByDefault => false,
            };
            if keep_default
                && generated == Generated::No
                && let Some(text) = &column.default
            {
                let expr = self.bind_stored(text, &source, StoredKind::Default, Some(column.ty))?;
                table.depends.extend(default_dependencies(&expr, map[i]));
            }
            table.relation.columns.push(Column {
                default: column.default.clone().filter(|_| keep_default),
                generated,
                missing: None,
                settings: like_settings(column, wants(LikeOption::Storage), wants(LikeOption::Compression)),
                ..column.clone()
            });
        }
        for constraint in &source.constraints {
            use nq_qsql::catalog::ConstraintKind;
            match &constraint.kind {
                ConstraintKind::NotNull(column) => {
                    let name = Some(&*constraint.name);
                    self.add_not_null(&mut table.relation, map[*column], name, constraint.no_inherit)?;
                }
                ConstraintKind::Check(text) if wants(LikeOption::Constraints) => {
                    let oid = self.db.next_oid()?;
                    let kind = ConstraintKind::Check(text.clone());
                    table.relation.constraints.push(nq_qsql::catalog::Constraint {
                        oid,
                        kind,
                        ..constraint.clone()
                    });
                }
                _ => {}
            }
        }
        Ok(Like { source, map, indexes: wants(LikeOption::Indexes), identity: wants(LikeOption::Identity) })
    }

    fn like_indexes(&mut self, like: &Like, relation: &mut Relation) -> Result<()> {
        if like.identity {
            let view = self.view().clone();
            for (i, column) in like.source.live_columns() {
                if matches!(column.generated, Generated::IdentityAlways | Generated::IdentityByDefault) {
                    let to = like.map[i];
                    relation.columns[to].generated = column.generated;
                    let model = view.catalog.owned_sequences(like.source.oid, Some(i));
                    let options = model.first().and_then(|s| s.sequence);
                    let sequence = self.copy_owned_sequence(relation, to, column.ty.oid, options)?;
                    relation.columns[to].default = Some(next_value(sequence.oid));
                }
            }
        }
        if !like.indexes {
            return Ok(());
        }
        for index in &like.source.indexes {
            use nq_qsql::catalog::{Constraint, ConstraintKind, IndexKey};
            let columns: Vec<IndexColumn> = index
                .columns
                .iter()
                .map(|c| IndexColumn {
                    key: match &c.key {
                        IndexKey::Column(i) => IndexKey::Column(like.map[*i]),
                        IndexKey::Expression(text) => IndexKey::Expression(text.clone()),
                    },
                    ..c.clone()
                })
                .collect();
            let part = names::columns_part(columns.iter().map(|c| match &c.key {
                IndexKey::Column(i) => &*relation.columns[*i].name,
                IndexKey::Expression(_) => "expr",
            }));
            let (second, label) = match (index.primary, index.constraint) {
                (true, _) => (None, "pkey"),
                (false, 0) => (Some(part.as_str()), "idx"),
                (false, _) if !index.exclusion.is_empty() => (Some(part.as_str()), "excl"),
                (false, _) => (Some(part.as_str()), "key"),
            };
            let name: Box<str> =
                names::choose(&relation.name, second, label, |n| self.name_taken(relation, n)).into();
            let oid = self.db.next_oid()?;
            let constraint = if index.constraint == 0 { 0 } else { self.db.next_oid()? };
            if constraint != 0 {
                let kind = match (index.primary, index.exclusion.is_empty()) {
                    (true, _) => ConstraintKind::Primary(oid),
                    (false, true) => ConstraintKind::Unique(oid),
                    (false, false) => ConstraintKind::Exclude(oid),
                };
                let timing =
                    like.source.constraints.iter().find(|c| c.oid == index.constraint).map(|c| c.timing);
                let timing = timing.unwrap_or_default();
                relation
                    .constraints
                    .push(Constraint { timing, ..Constraint::new(constraint, name.clone(), kind) });
            }
            let tree = self.txn().create_tree().map_err(store_error)?.0;
            let include = index.include.iter().map(|c| like.map[*c]).collect();
            let copy = Index { oid, name, tree, columns, include, constraint, ..(**index).clone() };
            let at = if copy.primary { 0 } else { relation.indexes.len() };
            relation.indexes.insert(at, Arc::new(copy));
        }
        Ok(())
    }
}

/// A NOT NULL constraint of the table with a name gives it to that of the column's definition.
fn name_not_nulls<'a>(elements: &'a [TableElement], columns: &mut [NewColumn<'a>]) -> Result<()> {
    for element in elements {
        let TableElement::Constraint(constraint) = element else { continue };
        let ast::ConstraintKind::NotNull { column: Some(of) } = &constraint.kind else { continue };
        let Some(column) = columns.iter_mut().find(|c| c.name.name == of.name && c.column.not_null) else {
            continue;
        };
        if column.not_null_no_inherit != constraint.no_inherit {
            let column = &**of;
            bail!(
                SYNTAX_ERROR,
                "conflicting NO INHERIT declaration for not-null constraint on column \"{column}\""
            );
        }
        match (column.not_null_name, &constraint.name) {
            (Some(old), Some(new)) if old.name != new.name => {
                bail!(SYNTAX_ERROR, "conflicting not-null constraint names \"{}\" and \"{}\"", &**old, &**new)
            }
            (None, Some(new)) => column.not_null_name = Some(new),
            _ => {}
        }
    }
    Ok(())
}

/// The foreign keys of a new table, in the order in which they are written.
fn written_foreign_keys(
    elements: &[TableElement],
) -> Vec<(&ast::Constraint, &ast::ForeignKey, Option<&ast::Ident>)> {
    let mut keys = Vec::new();
    for element in elements {
        match element {
            TableElement::Column(def) => keys.extend(column_foreign_keys(def)),
            TableElement::Constraint(constraint) => {
                if let ast::ConstraintKind::ForeignKey(key) = &constraint.kind {
                    keys.push((constraint, &**key, None));
                }
            }
            TableElement::Like(_) => {}
        }
    }
    keys
}

/// The foreign keys in a column's definition.
pub(crate) fn column_foreign_keys(
    def: &ast::ColumnDef,
) -> impl Iterator<Item = (&ast::Constraint, &ast::ForeignKey, Option<&ast::Ident>)> {
    def.constraints.iter().filter_map(|constraint| match &constraint.kind {
        ast::ConstraintKind::ForeignKey(key) => Some((constraint, &**key, Some(&def.name))),
        _ => None,
    })
}

/// The default that takes a sequence's next value. The sequence is named by its OID: it may be renamed.
pub(crate) fn next_value(sequence: Oid) -> Arc<str> {
    format!("nextval('{sequence}'::regclass)").into()
}

/// What a column of LIKE takes over of what has been said about the original.
fn like_settings(column: &Column, storage: bool, compression: bool) -> ColumnSettings {
    ColumnSettings {
        storage: column.settings.storage.filter(|_| storage),
        compression: column.settings.compression.filter(|_| compression),
        ..ColumnSettings::default()
    }
}

/// What `LIKE` needs once the columns are there.
struct Like {
    source: Arc<Relation>,
    /// New index of each of the source's columns.
    map: Vec<usize>,
    indexes: bool,
    identity: bool,
}

/// Columns for a query's result, renamed by a list that may be shorter.
pub(crate) fn result_columns(columns: &[OutputColumn], names: &[Box<str>]) -> Result<Vec<Column>> {
    if names.len() > columns.len() {
        bail!(SYNTAX_ERROR, "too many column names were specified");
    }
    for (i, column) in columns.iter().enumerate() {
        let is_pseudo = |info: info::TypeRef| info.kind == info::TypeKind::Pseudo;
        let name = names.get(i).map_or(&*column.name, |n| n);
        if SYSTEM_COLUMNS.contains(&name) {
            bail!(DUPLICATE_COLUMN, "column name \"{name}\" conflicts with a system column name");
        }
        if column.ty.oid == oid::RECORD_ARRAY || info::by_oid(column.ty.oid).is_some_and(is_pseudo) {
            let ty = info::format_type(column.ty.oid, None);
            bail!(INVALID_TABLE_DEFINITION, "column \"{name}\" has pseudo-type {ty}");
        }
    }
    let made: Vec<Column> = columns
        .iter()
        .enumerate()
        .map(|(i, column)| {
            Column::new(
                names.get(i).cloned().unwrap_or_else(|| (&*column.name).into()),
                column.ty,
                type_collation(column.ty.oid),
            )
        })
        .collect();
    check_distinct(made.iter().map(|c| &*c.name))?;
    Ok(made)
}

/// 42P07
pub(crate) fn already_exists(name: &str) -> SqlError {
    sql_err!(DUPLICATE_TABLE, "relation \"{name}\" already exists")
}

pub(crate) fn persistence(written: ast::Persistence) -> Persistence {
    match written {
        ast::Persistence::Permanent => Persistence::Permanent,
        ast::Persistence::Temporary => Persistence::Temporary,
        ast::Persistence::Unlogged => Persistence::Unlogged,
    }
}

pub(crate) fn on_commit(written: Option<ast::OnCommit>, temporary: bool) -> Result<OnCommit> {
    if written.is_some() && !temporary {
        bail!(INVALID_TABLE_DEFINITION, "ON COMMIT can only be used on temporary tables");
    }
    Ok(match written {
        None | Some(ast::OnCommit::PreserveRows) => OnCommit::Preserve,
        Some(ast::OnCommit::DeleteRows) => OnCommit::DeleteRows,
        Some(ast::OnCommit::Drop) => OnCommit::Drop,
    })
}

fn refuse_unsupported(create: &CreateTable) -> Result<()> {
    let unsupported = [
        (create.foreign.is_some(), "CREATE FOREIGN TABLE"),
        (!create.inherits.is_empty(), "INHERITS"),
        (create.partition_of.is_some(), "PARTITION OF"),
        (create.partition_by.is_some(), "PARTITION BY"),
        (create.of_type.is_some(), "OF type"),
    ];
    if let Some((_, what)) = unsupported.into_iter().find(|(present, _)| *present) {
        return Err(SqlError::unsupported(what));
    }
    match &create.access_method {
        Some(method) if &**method != "heap" => {
            bail!(UNDEFINED_OBJECT, "access method \"{}\" does not exist", &**method)
        }
        _ => {}
    }
    check_tablespace(create.tablespace.as_ref())
}

/// There is one tablespace.
pub(crate) fn check_tablespace(name: Option<&ast::Ident>) -> Result<()> {
    match name {
        Some(name) if &**name != "pg_default" => {
            bail!(UNDEFINED_OBJECT, "tablespace \"{}\" does not exist", &**name)
        }
        _ => Ok(()),
    }
}
