//! Functions of hash operator classes: rows of `pg_proc`.

use super::super::Body::Scalar;
use super::super::Function;
use super::super::hash;
use super::{I, f};
use crate::types::oid::{
    BOOL, BPCHAR, BYTEA, CHAR, CID, DATE, FLOAT4, FLOAT8, INT2, INT4, INT8, INTERVAL, NAME, NUMERIC, OID,
    OIDVECTOR, PG_LSN, TEXT, TID, TIME, TIMESTAMP, TIMESTAMPTZ, TIMETZ, UUID, XID, XID8,
};

#[rustfmt::skip]
pub(super) static FUNCTIONS: &[Function] = &[
    f(425, "hashint4extended", &[INT4, INT8], INT8, I, true, Scalar(hash::hashint4extended)),
    f(432, "hash_numeric", &[NUMERIC], INT4, I, true, Scalar(hash::hash_of_numeric)),
    f(441, "hashint2extended", &[INT2, INT8], INT8, I, true, Scalar(hash::hashint2extended)),
    f(442, "hashint8extended", &[INT8, INT8], INT8, I, true, Scalar(hash::hashint8extended)),
    f(443, "hashfloat4extended", &[FLOAT4, INT8], INT8, I, true, Scalar(hash::hashfloat4extended)),
    f(444, "hashfloat8extended", &[FLOAT8, INT8], INT8, I, true, Scalar(hash::hashfloat8extended)),
    f(445, "hashoidextended", &[OID, INT8], INT8, I, true, Scalar(hash::hashoidextended)),
    f(446, "hashcharextended", &[CHAR, INT8], INT8, I, true, Scalar(hash::hashcharextended)),
    f(447, "hashnameextended", &[NAME, INT8], INT8, I, true, Scalar(hash::hashnameextended)),
    f(448, "hashtextextended", &[TEXT, INT8], INT8, I, true, Scalar(hash::hashtextextended)),
    f(457, "hashoidvector", &[OIDVECTOR], INT4, I, true, Scalar(hash::hashoidvector)),
    f(776, "hashoidvectorextended", &[OIDVECTOR, INT8], INT8, I, true, Scalar(hash::hashoidvectorextended)),
    f(780, "hash_numeric_extended", &[NUMERIC, INT8], INT8, I, true, Scalar(hash::hash_numeric_extended)),
    f(972, "hashbpcharextended", &[BPCHAR, INT8], INT8, I, true, Scalar(hash::hashbpcharextended)),
    f(2233, "hashtid", &[TID], INT4, I, true, Scalar(hash::hashtid)),
    f(2234, "hashtidextended", &[TID, INT8], INT8, I, true, Scalar(hash::hashtidextended)),
    f(3252, "pg_lsn_hash", &[PG_LSN], INT4, I, true, Scalar(hash::pg_lsn_hash)),
    f(3409, "time_hash_extended", &[TIME, INT8], INT8, I, true, Scalar(hash::time_hash_extended)),
    f(3410, "timetz_hash_extended", &[TIMETZ, INT8], INT8, I, true, Scalar(hash::timetz_hash_extended)),
    f(3411, "timestamp_hash_extended", &[TIMESTAMP, INT8], INT8, I, true, Scalar(hash::timestamp_hash_extended)),
    f(3412, "uuid_hash_extended", &[UUID, INT8], INT8, I, true, Scalar(hash::uuid_hash_extended)),
    f(3413, "pg_lsn_hash_extended", &[PG_LSN, INT8], INT8, I, true, Scalar(hash::pg_lsn_hash_extended)),
    f(3418, "interval_hash_extended", &[INTERVAL, INT8], INT8, I, true, Scalar(hash::interval_hash_extended)),
    f(6414, "hashbyteaextended", &[BYTEA, INT8], INT8, I, true, Scalar(hash::hashbyteaextended)),
    f(6416, "hashdateextended", &[DATE, INT8], INT8, I, true, Scalar(hash::hashdateextended)),
    f(6418, "hashboolextended", &[BOOL, INT8], INT8, I, true, Scalar(hash::hashboolextended)),
    f(6420, "hashxidextended", &[XID, INT8], INT8, I, true, Scalar(hash::hashxidextended)),
    f(6422, "hashxid8extended", &[XID8, INT8], INT8, I, true, Scalar(hash::hashxid8extended)),
    f(6424, "hashcidextended", &[CID, INT8], INT8, I, true, Scalar(hash::hashcidextended)),
    f(6426, "timestamptz_hash_extended", &[TIMESTAMPTZ, INT8], INT8, I, true, Scalar(hash::timestamptz_hash_extended)),
];
