//! CREATE SEQUENCE, ALTER SEQUENCE, and the sequences behind `serial` and identity columns.

use std::sync::Arc;

use nq_qsql::bail;
use nq_qsql::catalog::{Column, Persistence, Relation, RelationKind};
use nq_qsql::error::{Result, SqlError};
use nq_qsql::parse::ast::{self, AlterSequence, CreateSequence, SequenceOption, SequenceOptionKind};
use nq_qsql::sql_err;
use nq_qsql::types::{DataType, Oid, oid};
use nq_storage::txn::lock::LockMode;

use super::names;
use super::table::already_exists;
use crate::catalog::object::{Class, OwnedBy, RelationObject, SequenceOptions};
use crate::session::Session;
use crate::session::transaction::AfterCommit;
use crate::session::utility::Done;

/// What the options of a statement ask for beside the parameters.
#[derive(Default)]
struct Requests {
    /// RESTART, with a value or without.
    restart: Option<Option<i64>>,
    owned_by: Option<ast::ObjectName>,
}

/// The bounds of a type's values.
fn type_bounds(ty: Oid) -> (i64, i64) {
    match ty {
        oid::INT2 => (i64::from(i16::MIN), i64::from(i16::MAX)),
        oid::INT4 => (i64::from(i32::MIN), i64::from(i32::MAX)),
        _ => (i64::MIN, i64::MAX),
    }
}

fn number(text: &str) -> Result<i64> {
    text.parse()
        .map_err(|_| sql_err!(NUMERIC_VALUE_OUT_OF_RANGE, "value \"{text}\" is out of range for type bigint"))
}

impl Session {
    /// Works out a sequence's parameters. `old` are those of a sequence that is altered.
    fn sequence_options(
        &mut self,
        options: &[SequenceOption],
        default_type: Oid,
        old: Option<SequenceOptions>,
    ) -> Result<(SequenceOptions, Requests)> {
        let mut requests = Requests::default();
        let mut seen = hashbrown::HashSet::new();
        let (mut ty, mut increment, mut start) = (None, None, None);
        let (mut max, mut min) = (None, None);
        let (mut cache, mut cycle) = (None, None);
        for option in options {
            if !seen.insert(std::mem::discriminant(&option.kind)) {
                return Err(sql_err!(SYNTAX_ERROR, "conflicting or redundant options").at(option.pos));
            }
            match &option.kind {
                SequenceOptionKind::As(name) => {
                    let found = match &**name.name.object() {
                        "int2" | "smallint" => oid::INT2,
                        "int4" | "integer" | "int" => oid::INT4,
                        "int8" | "bigint" => oid::INT8,
                        _ => bail!(
                            INVALID_PARAMETER_VALUE,
                            "sequence type must be smallint, integer, or bigint"
                        ),
                    };
                    ty = Some(found);
                }
                SequenceOptionKind::Increment(text) => increment = Some(number(text)?),
                SequenceOptionKind::Start(text) => start = Some(number(text)?),
                SequenceOptionKind::Restart(text) => {
                    requests.restart = Some(text.as_ref().map(|t| number(t)).transpose()?);
                }
                SequenceOptionKind::MaxValue(text) => {
                    max = Some(text.as_ref().map(|t| number(t)).transpose()?)
                }
                SequenceOptionKind::MinValue(text) => {
                    min = Some(text.as_ref().map(|t| number(t)).transpose()?)
                }
                SequenceOptionKind::Cache(text) => cache = Some(number(text)?),
                SequenceOptionKind::Cycle(on) => cycle = Some(*on),
                SequenceOptionKind::OwnedBy(name) => requests.owned_by = Some(name.clone()),
                SequenceOptionKind::Name(_) | SequenceOptionKind::Logged(_) => {}
            }
        }
        let ty = ty.or(old.map(|o| o.ty)).unwrap_or(default_type);
        let (lowest, highest) = type_bounds(ty);
        let type_changed = old.is_some_and(|o| o.ty != ty);
        let increment = increment.or(old.map(|o| o.increment)).unwrap_or(1);
        if increment == 0 {
            bail!(INVALID_PARAMETER_VALUE, "INCREMENT must not be zero");
        }
        let old_bounds = old.map(|o| {
            let (low, high) = type_bounds(o.ty);
            // Bounds that were the old type's follow the new one.
            let max = if type_changed && o.max == high { highest } else { o.max };
            let min = if type_changed && (o.min == low || o.min == 1) && o.increment > 0 {
                o.min.max(lowest)
            } else {
                o.min
            };
            (min, max)
        });
        let default_max = if increment > 0 { highest } else { -1 };
        let default_min = if increment > 0 { 1 } else { lowest };
        let max = match max {
            Some(Some(v)) => v,
            Some(None) => default_max,
            None => old_bounds.map_or(default_max, |b| b.1),
        };
        let min = match min {
            Some(Some(v)) => v,
            Some(None) => default_min,
            None => old_bounds.map_or(default_min, |b| b.0),
        };
        let type_name = nq_qsql::types::info::format_type(ty, None);
        if max > highest || max < lowest {
            bail!(
                INVALID_PARAMETER_VALUE,
                "MAXVALUE ({max}) is out of range for sequence data type {type_name}"
            );
        }
        if min > highest || min < lowest {
            bail!(
                INVALID_PARAMETER_VALUE,
                "MINVALUE ({min}) is out of range for sequence data type {type_name}"
            );
        }
        if min >= max {
            bail!(INVALID_PARAMETER_VALUE, "MINVALUE ({min}) must be less than MAXVALUE ({max})");
        }
        let start = start.or(old.map(|o| o.start)).unwrap_or(if increment > 0 { min } else { max });
        if start < min {
            bail!(INVALID_PARAMETER_VALUE, "START value ({start}) cannot be less than MINVALUE ({min})");
        }
        if start > max {
            bail!(INVALID_PARAMETER_VALUE, "START value ({start}) cannot be greater than MAXVALUE ({max})");
        }
        let cache = cache.or(old.map(|o| o.cache)).unwrap_or(1);
        if cache <= 0 {
            bail!(INVALID_PARAMETER_VALUE, "CACHE ({cache}) must be greater than zero");
        }
        let cycle = cycle.or(old.map(|o| o.cycle)).unwrap_or(false);
        if let Some(Some(restart)) = requests.restart {
            if restart < min {
                bail!(
                    INVALID_PARAMETER_VALUE,
                    "RESTART value ({restart}) cannot be less than MINVALUE ({min})"
                );
            }
            if restart > max {
                bail!(
                    INVALID_PARAMETER_VALUE,
                    "RESTART value ({restart}) cannot be greater than MAXVALUE ({max})"
                );
            }
        }
        Ok((SequenceOptions { ty, start, increment, min, max, cache, cycle }, requests))
    }

    /// CREATE SEQUENCE.
    pub(crate) fn create_sequence(&mut self, create: &CreateSequence) -> Result<Done> {
        let temporary = create.persistence == ast::Persistence::Temporary;
        let namespace = self.creation_schema(&create.name, temporary)?;
        if self.relation_exists(&namespace, &create.name, create.if_not_exists)? {
            return Done::tag("CREATE SEQUENCE");
        }
        let (options, requests) = self.sequence_options(&create.options, oid::INT8, None)?;
        let name = create.name.object().name.clone();
        let relation = self.new_relation(&namespace, name, RelationKind::Sequence, Persistence::Permanent)?;
        let owned_by = match &requests.owned_by {
            Some(name) => self.owner_column(&relation, name)?,
            None => None,
        };
        self.put_new_sequence(relation, options, owned_by)?;
        Done::tag("CREATE SEQUENCE")
    }

    fn put_new_sequence(
        &mut self,
        mut relation: Relation,
        options: SequenceOptions,
        owned_by: Option<OwnedBy>,
    ) -> Result<Arc<RelationObject>> {
        if !self.claim_name(Class::Relation, relation.namespace, &relation.name, relation.oid)? {
            return Err(already_exists(&relation.name));
        }
        relation.columns = sequence_columns();
        relation.tree = self.db.next_oid()?;
        self.db.sequences.create(relation.tree, options.start)?;
        self.put_relation(RelationObject {
            sequence: Some(options),
            owned_by,
            ..RelationObject::new(relation, None)
        })
    }

    /// Makes the sequence of a `serial` or identity column, named after them.
    pub(crate) fn create_owned_sequence(
        &mut self,
        table: &Relation,
        column: usize,
        ty: Oid,
        options: &[SequenceOption],
        internal: bool,
    ) -> Result<Arc<Relation>> {
        let (parameters, _) = self.sequence_options(options, ty, None)?;
        self.make_owned_sequence(table, column, options, parameters, internal)
    }

    /// Makes the sequence of an identity column as that of another is.
    pub(crate) fn copy_owned_sequence(
        &mut self,
        table: &Relation,
        column: usize,
        ty: Oid,
        model: Option<SequenceOptions>,
    ) -> Result<Arc<Relation>> {
        let parameters = match model {
            Some(model) => model,
            None => self.sequence_options(&[], ty, None)?.0,
        };
        self.make_owned_sequence(table, column, &[], parameters, true)
    }

    fn make_owned_sequence(
        &mut self,
        table: &Relation,
        column: usize,
        options: &[SequenceOption],
        parameters: SequenceOptions,
        internal: bool,
    ) -> Result<Arc<Relation>> {
        let named = options.iter().find_map(|o| match &o.kind {
            SequenceOptionKind::Name(name) => Some(name.object().name.clone()),
            _ => None,
        });
        let column_name = table.columns[column].name.clone();
        let name = match named {
            Some(name) => name,
            None => {
                names::choose(&table.name, Some(&column_name), "seq", |n| self.name_taken(table, n)).into()
            }
        };
        let namespace = self
            .view()
            .catalog
            .namespace(table.namespace)
            .cloned()
            .ok_or_else(|| SqlError::internal("a table's schema is missing"))?;
        let mut relation = self.new_relation(&namespace, name, RelationKind::Sequence, table.persistence)?;
        relation.owner = table.owner;
        let owned_by = OwnedBy { table: table.oid, column, internal };
        let object = self.put_new_sequence(relation, parameters, Some(owned_by))?;
        Ok(object.relation.clone())
    }

    /// The column of OWNED BY.
    fn owner_column(&mut self, sequence: &Relation, name: &ast::ObjectName) -> Result<Option<OwnedBy>> {
        let parts = &name.0;
        let Some((column, table)) = parts.split_last() else { return Ok(None) };
        if table.is_empty() {
            if &**column == "none" {
                return Ok(None);
            }
            return Err(sql_err!(SYNTAX_ERROR, "invalid OWNED BY option")
                .hint("Specify OWNED BY table.column or OWNED BY NONE."));
        }
        let table = self.open_relation(&ast::ObjectName(table.into()), LockMode::AccessShare)?;
        if table.kind != RelationKind::Table {
            bail!(WRONG_OBJECT_TYPE, "sequence cannot be owned by relation \"{}\"", table.name);
        }
        if table.owner != sequence.owner {
            bail!(OBJECT_NOT_IN_PREREQUISITE_STATE, "sequence must have same owner as table it is linked to");
        }
        if table.namespace != sequence.namespace {
            bail!(
                OBJECT_NOT_IN_PREREQUISITE_STATE,
                "sequence must be in same schema as table it is linked to"
            );
        }
        match table.column(column) {
            Some(i) => Ok(Some(OwnedBy { table: table.oid, column: i, internal: false })),
            None => bail!(
                UNDEFINED_COLUMN,
                "column \"{}\" of relation \"{}\" does not exist",
                &**column,
                table.name
            ),
        }
    }

    /// ALTER SEQUENCE.
    pub(crate) fn alter_sequence(&mut self, alter: &AlterSequence) -> Result<Done> {
        if self.find_relation(&alter.name)?.is_none() && alter.if_exists {
            self.host.skipping(format!("relation \"{}\" does not exist, skipping", alter.name));
            return Done::tag("ALTER SEQUENCE");
        }
        let object = self.open_for_ddl(
            &alter.name,
            LockMode::ShareRowExclusive,
            &[RelationKind::Sequence],
            "a sequence",
        )?;
        self.change_sequence(&object, &alter.options)?;
        Done::tag("ALTER SEQUENCE")
    }

    /// Applies options to a sequence; also for ALTER TABLE ... ALTER COLUMN ... SET (identity options).
    pub(crate) fn change_sequence(
        &mut self,
        object: &RelationObject,
        options: &[SequenceOption],
    ) -> Result<()> {
        let Some(old) = object.sequence else { return Err(SqlError::internal("a sequence has options")) };
        let (new, requests) = self.sequence_options(options, oid::INT8, Some(old))?;
        let state = self.db.sequences.state(object.relation.tree)?;
        let last = requests.restart.map(|value| (value.unwrap_or(new.start), false));
        let value = last.map_or(state.last, |(v, _)| v);
        if value < new.min {
            bail!(
                INVALID_PARAMETER_VALUE,
                "RESTART value ({value}) cannot be less than MINVALUE ({})",
                new.min
            );
        }
        if value > new.max {
            bail!(
                INVALID_PARAMETER_VALUE,
                "RESTART value ({value}) cannot be greater than MAXVALUE ({})",
                new.max
            );
        }
        let mut changed = RelationObject { sequence: Some(new), ..object.clone() };
        if let Some(name) = &requests.owned_by {
            if object.owned_by.is_some_and(|o| o.internal) {
                return Err(sql_err!(FEATURE_NOT_SUPPORTED, "cannot change ownership of identity sequence")
                    .detail(format!("Sequence \"{}\" is linked to a table.", object.relation.name)));
            }
            changed.owned_by = self.owner_column(&object.relation, name)?;
        }
        if let Some((value, called)) = last {
            changed = self.restart_sequence(changed, value, called)?;
        }
        self.put_relation(changed)?;
        Ok(())
    }

    /// Gives a sequence a new state, which others see when the transaction commits.
    pub(crate) fn restart_sequence(
        &mut self,
        object: RelationObject,
        value: i64,
        called: bool,
    ) -> Result<RelationObject> {
        let Some(options) = object.sequence else { return Err(SqlError::internal("a sequence has options")) };
        let state = self.db.next_oid()?;
        self.db.sequences.create(state, value)?;
        if called {
            self.db.sequences.set(state, &object.relation.name, &options, value, true)?;
        }
        self.transaction.after_commit.push(AfterCommit::RemoveSequence(object.relation.tree));
        let relation = Relation { tree: state, ..(*object.relation).clone() };
        Ok(RelationObject { relation: Arc::new(relation), ..object })
    }
}

/// The columns that `SELECT * FROM sequence` shows.
fn sequence_columns() -> Vec<Column> {
    [("last_value", oid::INT8), ("log_cnt", oid::INT8), ("is_called", oid::BOOL)]
        .map(|(name, ty)| Column { not_null: true, ..Column::new(name.into(), DataType::of(ty), 0) })
        .to_vec()
}
