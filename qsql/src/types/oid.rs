//! The OIDs of PostgreSQL's built-in types (`pg_type.dat`), fixed by its protocol.

#![allow(missing_docs, reason = "the constants carry PostgreSQL's own type names")]

use super::Oid;

pub const BOOL: Oid = 16;
pub const BYTEA: Oid = 17;
pub const CHAR: Oid = 18;
pub const NAME: Oid = 19;
pub const INT8: Oid = 20;
pub const INT2: Oid = 21;
pub const INT2VECTOR: Oid = 22;
pub const INT4: Oid = 23;
pub const REGPROC: Oid = 24;
pub const TEXT: Oid = 25;
pub const OID: Oid = 26;
pub const TID: Oid = 27;
pub const XID: Oid = 28;
pub const CID: Oid = 29;
pub const OIDVECTOR: Oid = 30;
pub const PG_NODE_TREE: Oid = 194;
pub const FLOAT4: Oid = 700;
pub const FLOAT8: Oid = 701;
pub const UNKNOWN: Oid = 705;
pub const BPCHAR: Oid = 1042;
pub const VARCHAR: Oid = 1043;
pub const DATE: Oid = 1082;
pub const TIME: Oid = 1083;
pub const TIMESTAMP: Oid = 1114;
pub const TIMESTAMPTZ: Oid = 1184;
pub const INTERVAL: Oid = 1186;
pub const NUMERIC: Oid = 1700;
pub const UUID: Oid = 2950;
pub const REGPROCEDURE: Oid = 2202;
pub const REGOPER: Oid = 2203;
pub const REGOPERATOR: Oid = 2204;
pub const REGCLASS: Oid = 2205;
pub const REGTYPE: Oid = 2206;
pub const REGROLE: Oid = 4096;
pub const REGNAMESPACE: Oid = 4089;
pub const REGCOLLATION: Oid = 4191;
pub const REGCONFIG: Oid = 3734;
pub const REGDICTIONARY: Oid = 3769;
pub const RECORD: Oid = 2249;
pub const CSTRING: Oid = 2275;
pub const ANY: Oid = 2276;
pub const ANYARRAY: Oid = 2277;
pub const VOID: Oid = 2278;
pub const TRIGGER: Oid = 2279;
pub const INTERNAL: Oid = 2281;
pub const ANYELEMENT: Oid = 2283;
pub const ANYNONARRAY: Oid = 2776;
pub const ANYENUM: Oid = 3500;
pub const ANYCOMPATIBLE: Oid = 5077;
pub const ANYCOMPATIBLEARRAY: Oid = 5078;
pub const ANYCOMPATIBLENONARRAY: Oid = 5079;
