//! Object, transaction and tuple identifiers: rows of `pg_proc`.

use super::super::Body::{Scalar, Set};
use super::super::Function;
use super::super::{hash, ident, int, session};
use super::{I, S, TEXT_A, V, absent, f, forward, rows};
use crate::types::oid::{
    BOOL, CHAR, CID, INT4, INT8, NAME, NUMERIC, OID, PG_LSN, RECORD, REGCLASS, REGNAMESPACE, REGTYPE, TEXT,
    TID, VOID, XID, XID8,
};

/// `nextval` as identity columns use it: without a check of privileges.
pub(crate) static NEXT_IDENTITY: Function =
    f(1574, "nextval", &[REGCLASS], INT8, V, true, Scalar(session::next_identity));

/// A field of a record, counted from 0. The binder makes such calls for `(record).field`; they are no row of `pg_proc`.
pub(crate) static RECORD_FIELD: Function =
    f(0, "record_field", &[RECORD, INT4], RECORD, I, true, Scalar(super::super::record::field));

/// A byte of a name, counted from 0. The binder makes such calls for subscripts of names; they are no row of `pg_proc`.
pub(crate) static NAME_ELEMENT: Function =
    f(0, "name_element", &[NAME, INT4], CHAR, I, true, Scalar(ident::name_element));

/// The id of the row of a table that a cursor is on. The binder makes such calls for WHERE CURRENT OF; they are no row of `pg_proc`.
pub(crate) static CURRENT_OF: Function =
    f(0, "current_of", &[TEXT, OID], INT8, S, true, Scalar(forward!("current_of")));

#[rustfmt::skip]
pub(super) static FUNCTIONS: &[Function] = &[
    f(68, "xideq", &[XID, XID], BOOL, I, true, Scalar(ident::xideq)),
    f(69, "cideq", &[CID, CID], BOOL, I, true, Scalar(ident::cideq)),
    f(184, "oideq", &[OID, OID], BOOL, I, true, Scalar(ident::oideq)),
    f(185, "oidne", &[OID, OID], BOOL, I, true, Scalar(ident::oidne)),
    f(356, "btoidcmp", &[OID, OID], INT4, I, true, Scalar(ident::btoidcmp)),
    f(453, "hashoid", &[OID], INT4, I, true, Scalar(hash::hashoid)),
    f(716, "oidlt", &[OID, OID], BOOL, I, true, Scalar(ident::oidlt)),
    f(717, "oidle", &[OID, OID], BOOL, I, true, Scalar(ident::oidle)),
    f(1081, "format_type", &[OID, INT4], TEXT, S, false, Scalar(session::format_type)),
    f(1181, "age", &[XID], INT4, S, true, Scalar(forward!("xid_age"))),
    f(1265, "tidne", &[TID, TID], BOOL, I, true, Scalar(ident::tidne)),
    f(1288, "int8", &[OID], INT8, I, true, Scalar(int::oidtoi8)),
    f(1292, "tideq", &[TID, TID], BOOL, I, true, Scalar(ident::tideq)),
    f(1319, "xideqint4", &[XID, INT4], BOOL, I, true, Scalar(ident::xideq)),
    f(1574, "nextval", &[REGCLASS], INT8, V, true, Scalar(session::nextval_oid)),
    f(1575, "currval", &[REGCLASS], INT8, V, true, Scalar(session::currval_oid)),
    f(1576, "setval", &[REGCLASS, INT8], INT8, V, true, Scalar(session::setval_oid)),
    f(1638, "oidgt", &[OID, OID], BOOL, I, true, Scalar(ident::oidgt)),
    f(1639, "oidge", &[OID, OID], BOOL, I, true, Scalar(ident::oidge)),
    f(1765, "setval", &[REGCLASS, INT8, BOOL], INT8, V, true, Scalar(session::setval3_oid)),
    f(1965, "oidlarger", &[OID, OID], OID, I, true, Scalar(ident::oidlarger)),
    f(1966, "oidsmaller", &[OID, OID], OID, I, true, Scalar(ident::oidsmaller)),
    f(2790, "tidgt", &[TID, TID], BOOL, I, true, Scalar(ident::tidgt)),
    f(2791, "tidlt", &[TID, TID], BOOL, I, true, Scalar(ident::tidlt)),
    f(2792, "tidge", &[TID, TID], BOOL, I, true, Scalar(ident::tidge)),
    f(2793, "tidle", &[TID, TID], BOOL, I, true, Scalar(ident::tidle)),
    f(2794, "bttidcmp", &[TID, TID], INT4, I, true, Scalar(ident::bttidcmp)),
    f(2795, "tidlarger", &[TID, TID], TID, I, true, Scalar(ident::tidlarger)),
    f(2796, "tidsmaller", &[TID, TID], TID, I, true, Scalar(ident::tidsmaller)),
    f(3086, "pg_extension_config_dump", &[REGCLASS, TEXT], VOID, V, true, Scalar(absent!("pg_extension_config_dump"))),
    f(3308, "xidneq", &[XID, XID], BOOL, I, true, Scalar(ident::xidneq)),
    f(3309, "xidneqint4", &[XID, INT4], BOOL, I, true, Scalar(ident::xidneq)),
    f(3382, "pg_identify_object_as_address", &[OID, OID, INT4], RECORD, S, true, Set { body: rows!("pg_identify_object_as_address"), columns: &[("type", TEXT), ("object_names", TEXT_A), ("object_args", TEXT_A)] }).names(&["classid", "objid", "objsubid"]),
    f(3445, "pg_import_system_collations", &[REGNAMESPACE], INT4, V, true, Scalar(absent!("pg_import_system_collations"))),
    f(5034, "xid8lt", &[XID8, XID8], BOOL, I, true, Scalar(ident::xid8lt)),
    f(5035, "xid8gt", &[XID8, XID8], BOOL, I, true, Scalar(ident::xid8gt)),
    f(5036, "xid8le", &[XID8, XID8], BOOL, I, true, Scalar(ident::xid8le)),
    f(5037, "xid8ge", &[XID8, XID8], BOOL, I, true, Scalar(ident::xid8ge)),
    f(5071, "xid", &[XID8], XID, I, true, Scalar(ident::xid8toxid)),
    f(5084, "xid8eq", &[XID8, XID8], BOOL, I, true, Scalar(ident::xid8eq)),
    f(5085, "xid8ne", &[XID8, XID8], BOOL, I, true, Scalar(ident::xid8ne)),
    f(5096, "xid8cmp", &[XID8, XID8], INT4, I, true, Scalar(ident::xid8cmp)),
    f(5097, "xid8_larger", &[XID8, XID8], XID8, I, true, Scalar(ident::xid8_larger)),
    f(5098, "xid8_smaller", &[XID8, XID8], XID8, I, true, Scalar(ident::xid8_smaller)),
    f(6315, "pg_basetype", &[REGTYPE], REGTYPE, S, true, Scalar(session::pg_basetype)),
    f(6419, "hashxid", &[XID], INT4, I, true, Scalar(hash::hashxid)),
    f(6421, "hashxid8", &[XID8], INT4, I, true, Scalar(hash::hashxid8)),
    f(6423, "hashcid", &[CID], INT4, I, true, Scalar(hash::hashcid)),
    f(5023, "numeric_pl_pg_lsn", &[NUMERIC, PG_LSN], PG_LSN, I, true, Scalar(ident::numeric_pl_pg_lsn)),
    f(6103, "pg_lsn", &[NUMERIC], PG_LSN, I, true, Scalar(ident::numeric_pg_lsn)),
    f(2851, "pg_walfile_name", &[PG_LSN], TEXT, I, true, Scalar(ident::pg_walfile_name)),
    f(2850, "pg_walfile_name_offset", &[PG_LSN], RECORD, I, true, Set { body: ident::pg_walfile_name_offset, columns: &[("file_name", TEXT), ("file_offset", INT4)] }).names(&["lsn"]),
    f(5051, "btequalimage", &[OID], BOOL, I, true, Scalar(ident::btequalimage)),
];
