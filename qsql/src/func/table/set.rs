//! Set-returning functions: rows of `pg_proc`.

use super::super::Body::Set;
use super::super::Function;
use super::super::{pattern, set};
use super::{I, S, TEXT_A, f};
use crate::types::oid::{
    ANYARRAY, ANYELEMENT, BOOL, INT4, INT8, INTERVAL, NUMERIC, TEXT, TIMESTAMP, TIMESTAMPTZ,
};

#[rustfmt::skip]
pub(super) static FUNCTIONS: &[Function] = &[
    f(938, "generate_series", &[TIMESTAMP, TIMESTAMP, INTERVAL], TIMESTAMP, I, true, Set { body: set::generate_series_timestamp, columns: &[] }),
    f(939, "generate_series", &[TIMESTAMPTZ, TIMESTAMPTZ, INTERVAL], TIMESTAMPTZ, S, true, Set { body: set::generate_series_timestamptz, columns: &[] }),
    f(1066, "generate_series", &[INT4, INT4, INT4], INT4, I, true, Set { body: set::generate_series_step_int4, columns: &[] }),
    f(1067, "generate_series", &[INT4, INT4], INT4, I, true, Set { body: set::generate_series_int4, columns: &[] }),
    f(1068, "generate_series", &[INT8, INT8, INT8], INT8, I, true, Set { body: set::generate_series_step_int8, columns: &[] }),
    f(1069, "generate_series", &[INT8, INT8], INT8, I, true, Set { body: set::generate_series_int8, columns: &[] }),
    f(1191, "generate_subscripts", &[ANYARRAY, INT4, BOOL], INT4, I, true, Set { body: set::generate_subscripts, columns: &[] }),
    f(1192, "generate_subscripts", &[ANYARRAY, INT4], INT4, I, true, Set { body: set::generate_subscripts_nodir, columns: &[] }),
    f(2331, "unnest", &[ANYARRAY], ANYELEMENT, I, true, Set { body: set::array_unnest, columns: &[] }),
    f(2763, "regexp_matches", &[TEXT, TEXT], TEXT_A, I, true, Set { body: pattern::functions::regexp_matches_no_flags, columns: &[] }).names(&["string", "pattern"]),
    f(2764, "regexp_matches", &[TEXT, TEXT, TEXT], TEXT_A, I, true, Set { body: pattern::functions::regexp_matches, columns: &[] }).names(&["string", "pattern", "flags"]),
    f(2765, "regexp_split_to_table", &[TEXT, TEXT], TEXT, I, true, Set { body: pattern::functions::regexp_split_to_table_no_flags, columns: &[] }).names(&["string", "pattern"]),
    f(2766, "regexp_split_to_table", &[TEXT, TEXT, TEXT], TEXT, I, true, Set { body: pattern::functions::regexp_split_to_table, columns: &[] }).names(&["string", "pattern", "flags"]),
    f(3259, "generate_series", &[NUMERIC, NUMERIC, NUMERIC], NUMERIC, I, true, Set { body: set::generate_series_step_numeric, columns: &[] }),
    f(3260, "generate_series", &[NUMERIC, NUMERIC], NUMERIC, I, true, Set { body: set::generate_series_numeric, columns: &[] }),
    f(6160, "string_to_table", &[TEXT, TEXT], TEXT, I, false, Set { body: set::text_to_table, columns: &[] }),
    f(6161, "string_to_table", &[TEXT, TEXT, TEXT], TEXT, I, false, Set { body: set::text_to_table_null, columns: &[] }),
    f(6274, "generate_series", &[TIMESTAMPTZ, TIMESTAMPTZ, INTERVAL, TEXT], TIMESTAMPTZ, I, true, Set { body: set::generate_series_timestamptz_at_zone, columns: &[] }),
];
