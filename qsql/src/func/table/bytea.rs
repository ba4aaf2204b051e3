//! Byte strings: rows of `pg_proc`.

use super::super::Body::Scalar;
use super::super::Function;
use super::{I, S, absent, f};
use crate::types::oid::{BOOL, BYTEA, INT2, INT4, INT8, NAME, TEXT};

#[rustfmt::skip]
pub(super) static FUNCTIONS: &[Function] = &[
    f(720, "octet_length", &[BYTEA], INT4, I, true, Scalar(absent!("octet_length"))),
    f(721, "get_byte", &[BYTEA, INT4], INT4, I, true, Scalar(absent!("get_byte"))),
    f(722, "set_byte", &[BYTEA, INT4, INT4], BYTEA, I, true, Scalar(absent!("set_byte"))),
    f(723, "get_bit", &[BYTEA, INT8], INT4, I, true, Scalar(absent!("get_bit"))),
    f(724, "set_bit", &[BYTEA, INT8, INT4], BYTEA, I, true, Scalar(absent!("set_bit"))),
    f(749, "overlay", &[BYTEA, BYTEA, INT4, INT4], BYTEA, I, true, Scalar(absent!("overlay"))),
    f(752, "overlay", &[BYTEA, BYTEA, INT4], BYTEA, I, true, Scalar(absent!("overlay"))),
    f(1713, "length", &[BYTEA, NAME], INT4, S, true, Scalar(absent!("length"))),
    f(1714, "convert_from", &[BYTEA, NAME], TEXT, S, true, Scalar(absent!("convert_from"))),
    f(1810, "bit_length", &[BYTEA], INT4, I, true, Scalar(absent!("bit_length"))),
    f(1813, "convert", &[BYTEA, NAME, NAME], BYTEA, S, true, Scalar(absent!("convert"))),
    f(1946, "encode", &[BYTEA, TEXT], TEXT, I, true, Scalar(absent!("encode"))),
    f(1948, "byteaeq", &[BYTEA, BYTEA], BOOL, I, true, Scalar(absent!("byteaeq"))),
    f(1949, "bytealt", &[BYTEA, BYTEA], BOOL, I, true, Scalar(absent!("bytealt"))),
    f(1950, "byteale", &[BYTEA, BYTEA], BOOL, I, true, Scalar(absent!("byteale"))),
    f(1951, "byteagt", &[BYTEA, BYTEA], BOOL, I, true, Scalar(absent!("byteagt"))),
    f(1952, "byteage", &[BYTEA, BYTEA], BOOL, I, true, Scalar(absent!("byteage"))),
    f(1953, "byteane", &[BYTEA, BYTEA], BOOL, I, true, Scalar(absent!("byteane"))),
    f(1954, "byteacmp", &[BYTEA, BYTEA], INT4, I, true, Scalar(absent!("byteacmp"))),
    f(2010, "length", &[BYTEA], INT4, I, true, Scalar(absent!("length"))),
    f(2011, "byteacat", &[BYTEA, BYTEA], BYTEA, I, true, Scalar(absent!("byteacat"))),
    f(2012, "substring", &[BYTEA, INT4, INT4], BYTEA, I, true, Scalar(absent!("substring"))),
    f(2013, "substring", &[BYTEA, INT4], BYTEA, I, true, Scalar(absent!("substring"))),
    f(2014, "position", &[BYTEA, BYTEA], INT4, I, true, Scalar(absent!("position"))),
    f(2015, "btrim", &[BYTEA, BYTEA], BYTEA, I, true, Scalar(absent!("btrim"))),
    f(2085, "substr", &[BYTEA, INT4, INT4], BYTEA, I, true, Scalar(absent!("substr"))),
    f(2086, "substr", &[BYTEA, INT4], BYTEA, I, true, Scalar(absent!("substr"))),
    f(2321, "md5", &[BYTEA], TEXT, I, true, Scalar(absent!("md5"))),
    f(3419, "sha224", &[BYTEA], BYTEA, I, true, Scalar(absent!("sha224"))),
    f(3420, "sha256", &[BYTEA], BYTEA, I, true, Scalar(absent!("sha256"))),
    f(3421, "sha384", &[BYTEA], BYTEA, I, true, Scalar(absent!("sha384"))),
    f(3422, "sha512", &[BYTEA], BYTEA, I, true, Scalar(absent!("sha512"))),
    f(6163, "bit_count", &[BYTEA], INT8, I, true, Scalar(absent!("bit_count"))),
    f(6195, "ltrim", &[BYTEA, BYTEA], BYTEA, I, true, Scalar(absent!("ltrim"))),
    f(6196, "rtrim", &[BYTEA, BYTEA], BYTEA, I, true, Scalar(absent!("rtrim"))),
    f(6364, "crc32", &[BYTEA], INT8, I, true, Scalar(absent!("crc32"))),
    f(6365, "crc32c", &[BYTEA], INT8, I, true, Scalar(absent!("crc32c"))),
    f(6370, "int2", &[BYTEA], INT2, I, true, Scalar(absent!("int2"))),
    f(6371, "int4", &[BYTEA], INT4, I, true, Scalar(absent!("int4"))),
    f(6372, "int8", &[BYTEA], INT8, I, true, Scalar(absent!("int8"))),
    f(6382, "reverse", &[BYTEA], BYTEA, I, true, Scalar(absent!("reverse"))),
    f(6393, "bytea_larger", &[BYTEA, BYTEA], BYTEA, I, true, Scalar(absent!("bytea_larger"))),
    f(6394, "bytea_smaller", &[BYTEA, BYTEA], BYTEA, I, true, Scalar(absent!("bytea_smaller"))),
    f(6413, "hashbytea", &[BYTEA], INT4, I, true, Scalar(absent!("hashbytea"))),
];
