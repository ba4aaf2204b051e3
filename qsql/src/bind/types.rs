//! Type names: `numeric(10,2)`, `timestamp(3) with time zone`, `text[]`, `interval day to second`.

use super::{BindContext, Binder};
use crate::error::{Result, SqlState};
use crate::func::category::{array_of, by_name, display};
use crate::parse::ast::{Ast, ExprKind, IntervalFields, TypeName};
use crate::plan::deparse::stored_type;
use crate::types::{DataType, Oid, info, int, oid};
use crate::{bail, sql_err};

impl Binder<'_> {
    /// Resolves a type name.
    ///
    /// # Errors
    /// 42704 `type "x" does not exist`, 22023 for modifiers out of range.
    pub(crate) fn bind_type(&mut self, name: &TypeName) -> Result<DataType> {
        let fail = |e: crate::SqlError| e.at(name.pos);
        if name.setof {
            return Err(
                sql_err!(INVALID_FUNCTION_DEFINITION, "type modifier SETOF is not allowed here").at(name.pos)
            );
        }
        if name.pct_type {
            return Err(crate::SqlError::unsupported("%TYPE").at(name.pos));
        }
        let base = self.type_oid(name).map_err(fail)?;
        let typmod = self.bind_typmod(base, name).map_err(fail)?;
        if name.array_bounds.is_empty() {
            return Ok(DataType { oid: base, typmod });
        }
        match array_of(base) {
            Some(array) => Ok(DataType { oid: array, typmod }),
            None => {
                Err(sql_err!(UNDEFINED_OBJECT, "could not find array type for data type {}", display(base))
                    .at(name.pos))
            }
        }
    }

    /// Resolves the type of a parameter or result: modifiers do not count, and a relation's name is the type of its rows.
    fn routine_type(&mut self, name: &TypeName) -> Result<Oid> {
        if name.pct_type {
            return self.column_type(name);
        }
        let base = match self.type_oid(name) {
            Ok(base) => {
                self.bind_typmod(base, name)?;
                base
            }
            Err(error) if error.code() == SqlState::UNDEFINED_OBJECT => {
                let schema = name.name.schema().map(|s| &*s.name);
                let relation = self.cx.catalog.relation(schema, name.name.object());
                match relation.and_then(|relation| self.cx.catalog.row_type_of(relation.oid)) {
                    Some(row) => row,
                    None => bail!(UNDEFINED_OBJECT, "type {} does not exist", name.name),
                }
            }
            Err(error) => return Err(error),
        };
        match (name.array_bounds.is_empty(), array_of(base)) {
            (true, _) => Ok(base),
            (false, Some(array)) => Ok(array),
            (false, None) => {
                bail!(UNDEFINED_OBJECT, "could not find array type for data type {}", display(base))
            }
        }
    }

    /// `table.column%TYPE`
    fn column_type(&self, name: &TypeName) -> Result<Oid> {
        let parts = &name.name.0;
        let (schema, table, column) = match &parts[..] {
            [table, column] => (None, table, column),
            [schema, table, column] => (Some(&*schema.name), table, column),
            _ => bail!(SYNTAX_ERROR, "improper %TYPE reference (too few dotted names): {}", name.name),
        };
        let Some(relation) = self.cx.catalog.relation(schema, table) else {
            bail!(UNDEFINED_TABLE, "relation \"{}\" does not exist", table.name)
        };
        match relation.column(column) {
            Some(i) => Ok(relation.columns[i].ty.oid),
            None => bail!(
                UNDEFINED_COLUMN,
                "column \"{}\" of relation \"{}\" does not exist",
                column.name,
                relation.name
            ),
        }
    }

    fn type_oid(&self, name: &TypeName) -> Result<Oid> {
        let object = name.name.object();
        let schema = name.name.schema().map(|s| &*s.name);
        if let (Some("pg_catalog"), Some(oid)) = (schema, stored_type(object))
            && self.cx.catalog.user_type_by_oid(oid).is_some()
        {
            return Ok(oid);
        }
        if schema.is_none_or(|s| s == "pg_catalog") {
            if let Some(oid) = by_name(object) {
                return Ok(oid);
            }
            // `_int4` is the array type's own name.
            if let Some(oid) = object.strip_prefix('_').and_then(by_name).and_then(array_of) {
                return Ok(oid);
            }
        }
        if let Some(found) = self.cx.catalog.user_type(schema, object) {
            return Ok(found.info.oid);
        }
        if let Some(schema) = schema
            && schema != "pg_catalog"
            && self.cx.catalog.namespace(schema).is_none()
        {
            bail!(INVALID_SCHEMA_NAME, "schema \"{schema}\" does not exist");
        }
        bail!(UNDEFINED_OBJECT, "type \"{}\" does not exist", name.name)
    }

    fn bind_typmod(&mut self, base: Oid, name: &TypeName) -> Result<i32> {
        let mut args = Vec::with_capacity(name.typmods.len());
        for &id in &name.typmods {
            match &self.ast[id].kind {
                ExprKind::Int(n) => args.push(*n),
                ExprKind::Str(text) | ExprKind::Number(text) => args.push(int::parse_i32(text.as_bytes())?),
                ExprKind::Unary { op, arg } if op.name() == "-" => match self.ast[*arg].kind {
                    ExprKind::Int(n) => args.push(-n),
                    _ => bail!(SYNTAX_ERROR, "type modifiers must be simple constants or identifiers"),
                },
                _ => bail!(SYNTAX_ERROR, "type modifiers must be simple constants or identifiers"),
            }
        }
        if base == oid::INTERVAL {
            return interval_typmod(&args, name.interval);
        }
        if args.is_empty() {
            return Ok(-1);
        }
        let one = || match args.as_slice() {
            [n] => Ok(*n),
            _ => Err(sql_err!(INVALID_PARAMETER_VALUE, "invalid type modifier")),
        };
        match base {
            oid::VARCHAR | oid::BPCHAR => {
                let shown = if base == oid::VARCHAR { "varchar" } else { "char" };
                match one()? {
                    n if n < 1 => {
                        bail!(INVALID_PARAMETER_VALUE, "length for type {shown} must be at least 1")
                    }
                    n if n > 10_485_760 => {
                        bail!(INVALID_PARAMETER_VALUE, "length for type {shown} cannot exceed 10485760")
                    }
                    n => Ok(n + 4),
                }
            }
            oid::BIT | oid::VARBIT => info::typmod_in(base, &[one()?]),
            oid::NUMERIC => {
                let (precision, scale) = match args.as_slice() {
                    [p] => (*p, 0),
                    [p, s] => (*p, *s),
                    _ => bail!(INVALID_PARAMETER_VALUE, "invalid NUMERIC type modifier"),
                };
                if !(1..=1000).contains(&precision) {
                    bail!(
                        INVALID_PARAMETER_VALUE,
                        "NUMERIC precision {precision} must be between 1 and 1000"
                    );
                }
                if !(-1000..=1000).contains(&scale) {
                    bail!(INVALID_PARAMETER_VALUE, "NUMERIC scale {scale} must be between -1000 and 1000");
                }
                Ok(((precision << 16) | (scale & 0x7ff)) + 4)
            }
            oid::TIME | oid::TIMETZ | oid::TIMESTAMP | oid::TIMESTAMPTZ => match one()? {
                n if n < 0 => {
                    let zone =
                        if matches!(base, oid::TIMETZ | oid::TIMESTAMPTZ) { " WITH TIME ZONE" } else { "" };
                    let shown = if matches!(base, oid::TIME | oid::TIMETZ) { "TIME" } else { "TIMESTAMP" };
                    bail!(INVALID_PARAMETER_VALUE, "{shown}({n}){zone} precision must not be negative")
                }
                n => Ok(n.min(6)),
            },
            _ => bail!(SYNTAX_ERROR, "type modifier is not allowed for type \"{}\"", name.name.object().name),
        }
    }
}

/// Resolves the type name of a parameter or result of a routine; SETOF is left to the caller.
///
/// # Errors
/// 42704 `type x does not exist`.
pub fn bind_routine_type(ast: &Ast, name: &TypeName, cx: &BindContext<'_>) -> Result<Oid> {
    Binder::new(ast, cx).routine_type(name).map_err(|e| e.at(name.pos))
}

fn interval_typmod(args: &[i32], fields: Option<IntervalFields>) -> Result<i32> {
    use IntervalFields as F;
    const MONTH: i32 = 1 << 1;
    const YEAR: i32 = 1 << 2;
    const DAY: i32 = 1 << 3;
    const HOUR: i32 = 1 << 10;
    const MINUTE: i32 = 1 << 11;
    const SECOND: i32 = 1 << 12;
    let range = match fields {
        None => 0x7fff,
        Some(F::Year) => YEAR,
        Some(F::Month) => MONTH,
        Some(F::Day) => DAY,
        Some(F::Hour) => HOUR,
        Some(F::Minute) => MINUTE,
        Some(F::Second) => SECOND,
        Some(F::YearToMonth) => YEAR | MONTH,
        Some(F::DayToHour) => DAY | HOUR,
        Some(F::DayToMinute) => DAY | HOUR | MINUTE,
        Some(F::DayToSecond) => DAY | HOUR | MINUTE | SECOND,
        Some(F::HourToMinute) => HOUR | MINUTE,
        Some(F::HourToSecond) => HOUR | MINUTE | SECOND,
        Some(F::MinuteToSecond) => MINUTE | SECOND,
    };
    match args {
        [] if fields.is_none() => Ok(-1),
        [] => Ok((range << 16) | 0xffff),
        [n] if *n < 0 => bail!(INVALID_PARAMETER_VALUE, "INTERVAL({n}) precision must not be negative"),
        [n] => Ok((range << 16) | (*n).min(6)),
        _ => bail!(INVALID_PARAMETER_VALUE, "invalid INTERVAL type modifier"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn interval_modifiers() {
        assert_eq!(interval_typmod(&[], None).unwrap(), -1);
        assert_eq!(interval_typmod(&[3], None).unwrap(), 0x7fff_0003);
        assert_eq!(interval_typmod(&[], Some(IntervalFields::Year)).unwrap(), (4 << 16) | 0xffff);
    }
}
