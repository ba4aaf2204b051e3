//! The session and any type: rows of `pg_proc`.

use super::super::Body::Scalar;
use super::super::Function;
use super::super::{array, datetime, float, format, quote, record, session, text, unicode};
use super::{I, INT4_A, S, V, absent, f};
use crate::types::oid::{
    ANY, ANYARRAY, ANYELEMENT, ANYNONARRAY, BOOL, FLOAT8, INT4, INT8, NAME, OID, RECORD, REGTYPE, TEXT, VOID,
};

#[rustfmt::skip]
pub(super) static FUNCTIONS: &[Function] = &[
    f(274, "timeofday", &[], TEXT, V, true, Scalar(datetime::timeofday)),
    f(438, "num_nulls", &[ANY], INT4, I, false, Scalar(format::pg_num_nulls)).variadic(ANY),
    f(440, "num_nonnulls", &[ANY], INT4, I, false, Scalar(format::pg_num_nonnulls)).variadic(ANY),
    f(710, "getpgusername", &[], NAME, S, true, Scalar(session::current_user)),
    f(745, "current_user", &[], NAME, S, true, Scalar(session::current_user)),
    f(746, "session_user", &[], NAME, S, true, Scalar(session::session_user)),
    f(810, "pg_client_encoding", &[], NAME, S, true, Scalar(session::pg_client_encoding)),
    f(1137, "pg_get_wal_replay_pause_state", &[], TEXT, V, true, Scalar(absent!("pg_get_wal_replay_pause_state"))),
    f(1193, "array_fill", &[ANYELEMENT, INT4_A], ANYARRAY, I, false, Scalar(array::array_fill)),
    f(1269, "pg_column_size", &[ANY], INT4, S, true, Scalar(session::pg_column_size)),
    f(1285, "quote_literal", &[ANYELEMENT], TEXT, S, true, Scalar(quote::quote_literal_1285)),
    f(1286, "array_fill", &[ANYELEMENT, INT4_A, INT4_A], ANYARRAY, I, false, Scalar(array::array_fill_with_lower_bounds)),
    f(1290, "quote_nullable", &[ANYELEMENT], TEXT, S, false, Scalar(quote::quote_nullable_1290)),
    f(1598, "random", &[], FLOAT8, V, true, Scalar(float::drandom)),
    f(1610, "pi", &[], FLOAT8, I, true, Scalar(float::dpi)),
    f(1619, "pg_typeof", &[ANY], REGTYPE, S, false, Scalar(session::pg_typeof)),
    f(2004, "anytextcat", &[ANYNONARRAY, TEXT], TEXT, S, true, Scalar(text::anytextcat_2004)),
    f(2121, "pg_column_compression", &[ANY], TEXT, S, true, Scalar(session::pg_column_compression)),
    f(2559, "lastval", &[], INT8, V, true, Scalar(session::lastval)),
    f(2622, "pg_rotate_logfile", &[], BOOL, V, true, Scalar(absent!("pg_rotate_logfile"))),
    f(2981, "record_eq", &[RECORD, RECORD], BOOL, I, true, Scalar(record::record_eq)),
    f(2982, "record_ne", &[RECORD, RECORD], BOOL, I, true, Scalar(record::record_ne)),
    f(2983, "record_lt", &[RECORD, RECORD], BOOL, I, true, Scalar(record::record_lt)),
    f(2984, "record_gt", &[RECORD, RECORD], BOOL, I, true, Scalar(record::record_gt)),
    f(2985, "record_le", &[RECORD, RECORD], BOOL, I, true, Scalar(record::record_le)),
    f(2986, "record_ge", &[RECORD, RECORD], BOOL, I, true, Scalar(record::record_ge)),
    f(2987, "btrecordcmp", &[RECORD, RECORD], INT4, I, true, Scalar(record::btrecordcmp)),
    f(3058, "concat", &[ANY], TEXT, S, false, Scalar(format::text_concat)).variadic(ANY),
    f(3071, "pg_wal_replay_pause", &[], VOID, V, true, Scalar(absent!("pg_wal_replay_pause"))),
    f(3072, "pg_wal_replay_resume", &[], VOID, V, true, Scalar(absent!("pg_wal_replay_resume"))),
    f(3162, "pg_collation_for", &[ANY], TEXT, S, false, Scalar(session::pg_collation_for)),
    f(3800, "pg_current_logfile", &[], TEXT, V, false, Scalar(absent!("pg_current_logfile"))),
    f(3809, "pg_export_snapshot", &[], TEXT, V, true, Scalar(absent!("pg_export_snapshot"))),
    f(4566, "pg_event_trigger_table_rewrite_oid", &[], OID, S, true, Scalar(absent!("pg_event_trigger_table_rewrite_oid"))),
    f(4567, "pg_event_trigger_table_rewrite_reason", &[], INT4, S, true, Scalar(absent!("pg_event_trigger_table_rewrite_reason"))),
    f(6007, "pg_replication_origin_session_reset", &[], VOID, V, true, Scalar(absent!("pg_replication_origin_session_reset"))),
    f(6008, "pg_replication_origin_session_is_setup", &[], BOOL, V, true, Scalar(absent!("pg_replication_origin_session_is_setup"))),
    f(6011, "pg_replication_origin_xact_reset", &[], VOID, V, true, Scalar(absent!("pg_replication_origin_xact_reset"))),
    f(6099, "icu_unicode_version", &[], TEXT, I, true, Scalar(unicode::icu_unicode_version)),
    f(6344, "pg_sync_replication_slots", &[], VOID, V, true, Scalar(absent!("pg_sync_replication_slots"))),
    f(6362, "pg_restore_relation_stats", &[ANY], BOOL, V, false, Scalar(absent!("pg_restore_relation_stats"))).variadic(ANY).names(&["kwargs"]),
    f(6363, "pg_restore_attribute_stats", &[ANY], BOOL, V, false, Scalar(absent!("pg_restore_attribute_stats"))).variadic(ANY).names(&["kwargs"]),
    f(6375, "record_larger", &[RECORD, RECORD], RECORD, I, true, Scalar(record::record_larger)),
    f(6376, "record_smaller", &[RECORD, RECORD], RECORD, I, true, Scalar(record::record_smaller)),
];
