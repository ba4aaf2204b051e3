//! The session's settings that decide how values are read and printed.

use super::Oid;
use super::datetime::zone::Zone;
use crate::error::Result;

/// `DateStyle`'s output format.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
#[allow(missing_docs, reason = "PostgreSQL's own names")]
pub enum DateStyle {
    #[default]
    Iso,
    Sql,
    Postgres,
    German,
}

/// `DateStyle`'s field order for ambiguous input, and for SQL and Postgres output.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
#[allow(missing_docs, reason = "PostgreSQL's own names")]
pub enum DateOrder {
    #[default]
    Mdy,
    Dmy,
    Ymd,
}

/// The `IntervalStyle` setting.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
#[allow(missing_docs, reason = "PostgreSQL's own names")]
pub enum IntervalStyle {
    #[default]
    Postgres,
    PostgresVerbose,
    SqlStandard,
    Iso8601,
}

/// The `bytea_output` setting.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
#[allow(missing_docs, reason = "PostgreSQL's own names")]
pub enum ByteaOutput {
    #[default]
    Hex,
    Escape,
}

/// Turns names into OIDs and back for the `reg*` types; the catalog implements it.
pub trait RegResolver {
    /// Returns the OID of the object that `name` (not a number, not `-`) means for the reg type `kind`.
    ///
    /// # Errors
    /// The reg type's own error, for example 42P01 `relation "x" does not exist`.
    fn resolve_reg(&self, kind: Oid, name: &str) -> Result<Oid>;

    /// Returns the name that the reg type `kind` prints for `oid`; `None` prints the number.
    fn reg_name(&self, kind: Oid, oid: Oid) -> Option<String>;

    /// Returns what a user's operator is written as, with its schema where the bare name would mean another one.
    fn operator_name(&self, _oid: Oid) -> Option<String> {
        None
    }

    /// Returns the name that calls a function of a user's, with its schema where the bare name would call another one.
    fn routine_name(&self, _oid: Oid) -> Option<String> {
        None
    }
}

/// What reading and printing values needs beside the value: settings, clock, catalog.
#[derive(Clone)]
pub struct IoContext<'a> {
    /// `DateStyle`, output part.
    pub date_style: DateStyle,
    /// `DateStyle`, order part.
    pub date_order: DateOrder,
    /// `IntervalStyle`.
    pub interval_style: IntervalStyle,
    /// `TimeZone`.
    pub time_zone: Zone,
    /// `extra_float_digits`, -15 to 3; above 0 prints the shortest exact form.
    pub extra_float_digits: i32,
    /// `bytea_output`.
    pub bytea_output: ByteaOutput,
    /// The transaction's start in microseconds since 2000-01-01 UTC, for `now`, `today` and so on.
    pub now_micros: i64,
    /// The catalog for `reg*` names; without it only numbers are read and printed.
    pub reg: Option<&'a dyn RegResolver>,
}

impl Default for IoContext<'_> {
    fn default() -> Self {
        IoContext {
            date_style: DateStyle::Iso,
            date_order: DateOrder::Mdy,
            interval_style: IntervalStyle::Postgres,
            time_zone: Zone::utc(),
            extra_float_digits: 1,
            bytea_output: ByteaOutput::Hex,
            now_micros: 0,
            reg: None,
        }
    }
}
