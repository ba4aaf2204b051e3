//! Column definitions of CREATE TABLE and ALTER TABLE ADD COLUMN.

use nq_qsql::catalog::{Column, ColumnSettings, Generated};
use nq_qsql::error::Result;
use nq_qsql::parse::ast::{self, Ast, ColumnDef, ConstraintKind, Ident, SequenceOption, TypeName};
use nq_qsql::types::{DataType, Oid, oid};
use nq_qsql::{bail, sql_err};

use crate::session::Session;

/// Names that every table has already.
pub(crate) const SYSTEM_COLUMNS: [&str; 6] = ["tableoid", "cmax", "xmax", "cmin", "xmin", "ctid"];

/// A column as it was written, with its type found and its constraints sorted out.
pub(crate) struct NewColumn<'a> {
    pub(crate) column: Column,
    pub(crate) name: &'a Ident,
    /// DEFAULT or GENERATED expression.
    pub(crate) expression: Option<ast::ExprId>,
    /// `serial` and its kin: an owned sequence with this type.
    pub(crate) serial: Option<Oid>,
    /// Options of the sequence behind an identity column.
    pub(crate) identity: Option<&'a [SequenceOption]>,
    /// Name of the NOT NULL constraint, if one was given.
    pub(crate) not_null_name: Option<&'a Ident>,
    /// It is NO INHERIT.
    pub(crate) not_null_no_inherit: bool,
    /// CHECK, UNIQUE, PRIMARY KEY, REFERENCES.
    pub(crate) constraints: Vec<&'a ast::Constraint>,
}

/// The integer type of `serial` and its kin.
fn serial_type(ty: &TypeName) -> Option<Oid> {
    if ty.name.schema().is_some() || !ty.typmods.is_empty() {
        return None;
    }
    match &**ty.name.object() {
        "serial" | "serial4" => Some(oid::INT4),
        "bigserial" | "serial8" => Some(oid::INT8),
        "smallserial" | "serial2" => Some(oid::INT2),
        _ => None,
    }
}

/// The collation of values of a type: that of the database for text, "C" for names.
pub(crate) fn type_collation(ty: Oid) -> Oid {
    nq_qsql::bind::collation_of(ty)
}

impl Session {
    /// The type that a type name means for a column.
    pub(crate) fn column_type(&mut self, ast: &Ast, ty: &TypeName, column: &str) -> Result<DataType> {
        let found = self.resolve_type(ast, ty)?;
        if nq_qsql::types::info::by_oid(found.oid)
            .is_some_and(|info| info.kind == nq_qsql::types::info::TypeKind::Pseudo)
        {
            bail!(
                INVALID_TABLE_DEFINITION,
                "column \"{column}\" has pseudo-type {}",
                nq_qsql::types::info::format_type(found.oid, None)
            );
        }
        self.check_type_usage(found.oid)?;
        Ok(found)
    }

    /// The OID of a COLLATE clause.
    pub(crate) fn collation(&self, name: &ast::ObjectName, ty: DataType) -> Result<Oid> {
        if type_collation(ty.oid) == 0 {
            bail!(
                DATATYPE_MISMATCH,
                "collations are not supported by type {}",
                nq_qsql::types::info::format_type(ty.oid, None)
            );
        }
        match &**name.object() {
            "default" => Ok(100),
            "C" | "ucs_basic" => Ok(950),
            "POSIX" => Ok(951),
            _ => Err(sql_err!(UNDEFINED_OBJECT, "collation \"{name}\" for encoding \"UTF8\" does not exist")
                .at(name.pos())),
        }
    }

    /// Takes a column definition apart.
    pub(crate) fn read_column<'a>(
        &mut self,
        ast: &'a Ast,
        def: &'a ColumnDef,
        table: &str,
    ) -> Result<NewColumn<'a>> {
        let name = &def.name;
        if SYSTEM_COLUMNS.contains(&&**name) {
            return Err(sql_err!(
                DUPLICATE_COLUMN,
                "column name \"{}\" conflicts with a system column name",
                &**name
            ));
        }
        let Some(ty) = &def.ty else { bail!(SYNTAX_ERROR, "column \"{}\" has no type", &**name) };
        let serial = serial_type(ty);
        let dimensions = ty.array_bounds.len() as i16;
        let ty = match serial {
            Some(integer) if ty.array_bounds.is_empty() => DataType::of(integer),
            Some(_) => bail!(FEATURE_NOT_SUPPORTED, "array of serial is not implemented"),
            None => self.column_type(ast, ty, name)?,
        };
        let collation = match &def.collation {
            Some(collation) => self.collation(collation, ty)?,
            None => type_collation(ty.oid),
        };
        let mut new = NewColumn {
            column: Column {
                not_null: serial.is_some(),
                settings: ColumnSettings { dimensions, ..ColumnSettings::default() },
                ..Column::new(name.name.clone(), ty, collation)
            },
            name,
            expression: None,
            serial,
            identity: None,
            not_null_name: None,
            not_null_no_inherit: false,
            constraints: Vec::new(),
        };
        self.sort_constraints(def, table, &mut new)?;
        Ok(new)
    }

    fn sort_constraints<'a>(
        &mut self,
        def: &'a ColumnDef,
        table: &str,
        new: &mut NewColumn<'a>,
    ) -> Result<()> {
        let name: &str = &def.name;
        let mut explicit_null = false;
        for constraint in &def.constraints {
            match &constraint.kind {
                ConstraintKind::Null => {
                    if new.column.not_null {
                        return Err(conflicting_null(name, table).at(constraint.pos));
                    }
                    explicit_null = true;
                }
                ConstraintKind::NotNull { .. } => {
                    if explicit_null {
                        return Err(conflicting_null(name, table).at(constraint.pos));
                    }
                    new.column.not_null = true;
                    new.not_null_name = constraint.name.as_ref().or(new.not_null_name);
                    new.not_null_no_inherit |= constraint.no_inherit;
                }
                ConstraintKind::Default(expr) => {
                    if new.expression.is_some() || new.serial.is_some() {
                        return Err(sql_err!(
                            SYNTAX_ERROR,
                            "multiple default values specified for column \"{name}\" of table \"{table}\""
                        )
                        .at(constraint.pos));
                    }
                    if new.identity.is_some() {
                        return Err(sql_err!(
                            SYNTAX_ERROR,
                            "both default and identity specified for column \"{name}\" of table \"{table}\""
                        )
                        .at(constraint.pos));
                    }
                    new.expression = Some(*expr);
                }
                ConstraintKind::Generated { expr, stored } => {
                    if new.identity.is_some() {
                        return Err(both_generated(name, table).at(constraint.pos));
                    }
                    if new.column.generated != Generated::No {
                        return Err(sql_err!(
                            SYNTAX_ERROR,
                            "multiple generation clauses specified for column \"{name}\" of table \"{table}\""
                        )
                        .at(constraint.pos));
                    }
                    if new.expression.is_some() || new.serial.is_some() {
                        return Err(sql_err!(
                            SYNTAX_ERROR,
                            "both default and generation expression specified for column \"{name}\" of table \"{table}\""
                        )
                        .at(constraint.pos));
                    }
                    new.column.generated = if *stored { Generated::Stored } else { Generated::Virtual };
                    new.expression = Some(*expr);
                }
                ConstraintKind::Identity { always, options } => {
                    if new.column.generated.is_computed() {
                        return Err(both_generated(name, table).at(constraint.pos));
                    }
                    if new.identity.is_some() {
                        return Err(sql_err!(
                            SYNTAX_ERROR,
                            "multiple identity specifications for column \"{name}\" of table \"{table}\""
                        )
                        .at(constraint.pos));
                    }
                    if !matches!(new.column.ty.oid, oid::INT2 | oid::INT4 | oid::INT8) {
                        bail!(
                            INVALID_PARAMETER_VALUE,
                            "identity column type must be smallint, integer, or bigint"
                        );
                    }
                    if explicit_null {
                        return Err(conflicting_null(name, table).at(constraint.pos));
                    }
                    if new.expression.is_some() || new.serial.is_some() {
                        return Err(sql_err!(
                            SYNTAX_ERROR,
                            "both default and identity specified for column \"{name}\" of table \"{table}\""
                        )
                        .at(constraint.pos));
                    }
                    new.identity = Some(options);
                    new.column.not_null = true;
                    new.column.generated =
                        if *always { Generated::IdentityAlways } else { Generated::IdentityByDefault };
                }
                ConstraintKind::PrimaryKey { .. } => {
                    if explicit_null {
                        return Err(conflicting_null(name, table).at(constraint.pos));
                    }
                    new.column.not_null = true;
                    new.constraints.push(constraint);
                }
                ConstraintKind::Check(_) | ConstraintKind::Unique { .. } | ConstraintKind::ForeignKey(_) => {
                    new.constraints.push(constraint);
                }
                ConstraintKind::Exclude { .. } => {
                    bail!(FEATURE_NOT_SUPPORTED, "exclusion constraints are not supported")
                }
            }
        }
        Ok(())
    }
}

fn conflicting_null(column: &str, table: &str) -> nq_qsql::error::SqlError {
    sql_err!(
        SYNTAX_ERROR,
        "conflicting NULL/NOT NULL declarations for column \"{column}\" of table \"{table}\""
    )
}

fn both_generated(column: &str, table: &str) -> nq_qsql::error::SqlError {
    sql_err!(
        SYNTAX_ERROR,
        "both identity and generation expression specified for column \"{column}\" of table \"{table}\""
    )
}

/// Refuses a name that stands twice.
pub(crate) fn check_distinct<'a>(names: impl Iterator<Item = &'a str>) -> Result<()> {
    let mut seen = hashbrown::HashSet::new();
    for name in names {
        if !seen.insert(name) {
            bail!(DUPLICATE_COLUMN, "column \"{name}\" specified more than once");
        }
    }
    Ok(())
}
