//! Byte strings: rows of `pg_proc`.

use super::super::Body::Scalar;
use super::super::Function;
use super::super::{bytea, collate, hash};
use super::{I, S, f};
use crate::types::oid::{BOOL, BYTEA, INT2, INT4, INT8, NAME, TEXT};

#[rustfmt::skip]
pub(super) static FUNCTIONS: &[Function] = &[
    f(720, "octet_length", &[BYTEA], INT4, I, true, Scalar(bytea::byteaoctetlen)),
    f(721, "get_byte", &[BYTEA, INT4], INT4, I, true, Scalar(bytea::byteaGetByte)),
    f(722, "set_byte", &[BYTEA, INT4, INT4], BYTEA, I, true, Scalar(bytea::byteaSetByte)),
    f(723, "get_bit", &[BYTEA, INT8], INT4, I, true, Scalar(bytea::byteaGetBit)),
    f(724, "set_bit", &[BYTEA, INT8, INT4], BYTEA, I, true, Scalar(bytea::byteaSetBit)),
    f(749, "overlay", &[BYTEA, BYTEA, INT4, INT4], BYTEA, I, true, Scalar(bytea::byteaoverlay)),
    f(752, "overlay", &[BYTEA, BYTEA, INT4], BYTEA, I, true, Scalar(bytea::byteaoverlay_no_len)),
    f(1713, "length", &[BYTEA, NAME], INT4, S, true, Scalar(bytea::length_in_encoding)),
    f(1714, "convert_from", &[BYTEA, NAME], TEXT, S, true, Scalar(bytea::pg_convert_from)),
    f(1810, "bit_length", &[BYTEA], INT4, I, true, Scalar(bytea::bit_length_1810)),
    f(1813, "convert", &[BYTEA, NAME, NAME], BYTEA, S, true, Scalar(bytea::pg_convert)),
    f(1946, "encode", &[BYTEA, TEXT], TEXT, I, true, Scalar(bytea::binary_encode)),
    f(1948, "byteaeq", &[BYTEA, BYTEA], BOOL, I, true, Scalar(collate::byteaeq)),
    f(1949, "bytealt", &[BYTEA, BYTEA], BOOL, I, true, Scalar(collate::bytealt)),
    f(1950, "byteale", &[BYTEA, BYTEA], BOOL, I, true, Scalar(collate::byteale)),
    f(1951, "byteagt", &[BYTEA, BYTEA], BOOL, I, true, Scalar(collate::byteagt)),
    f(1952, "byteage", &[BYTEA, BYTEA], BOOL, I, true, Scalar(collate::byteage)),
    f(1953, "byteane", &[BYTEA, BYTEA], BOOL, I, true, Scalar(collate::byteane)),
    f(1954, "byteacmp", &[BYTEA, BYTEA], INT4, I, true, Scalar(collate::byteacmp)),
    f(2010, "length", &[BYTEA], INT4, I, true, Scalar(bytea::byteaoctetlen)),
    f(2011, "byteacat", &[BYTEA, BYTEA], BYTEA, I, true, Scalar(bytea::byteacat)),
    f(2012, "substring", &[BYTEA, INT4, INT4], BYTEA, I, true, Scalar(bytea::bytea_substr)),
    f(2013, "substring", &[BYTEA, INT4], BYTEA, I, true, Scalar(bytea::bytea_substr_no_len)),
    f(2014, "position", &[BYTEA, BYTEA], INT4, I, true, Scalar(bytea::byteapos)),
    f(2015, "btrim", &[BYTEA, BYTEA], BYTEA, I, true, Scalar(bytea::byteatrim)),
    f(2085, "substr", &[BYTEA, INT4, INT4], BYTEA, I, true, Scalar(bytea::bytea_substr)),
    f(2086, "substr", &[BYTEA, INT4], BYTEA, I, true, Scalar(bytea::bytea_substr_no_len)),
    f(2321, "md5", &[BYTEA], TEXT, I, true, Scalar(bytea::md5_bytea)),
    f(3419, "sha224", &[BYTEA], BYTEA, I, true, Scalar(bytea::sha224_bytea)),
    f(3420, "sha256", &[BYTEA], BYTEA, I, true, Scalar(bytea::sha256_bytea)),
    f(3421, "sha384", &[BYTEA], BYTEA, I, true, Scalar(bytea::sha384_bytea)),
    f(3422, "sha512", &[BYTEA], BYTEA, I, true, Scalar(bytea::sha512_bytea)),
    f(6163, "bit_count", &[BYTEA], INT8, I, true, Scalar(bytea::bytea_bit_count)),
    f(6195, "ltrim", &[BYTEA, BYTEA], BYTEA, I, true, Scalar(bytea::bytealtrim)),
    f(6196, "rtrim", &[BYTEA, BYTEA], BYTEA, I, true, Scalar(bytea::byteartrim)),
    f(6364, "crc32", &[BYTEA], INT8, I, true, Scalar(bytea::crc32_bytea)),
    f(6365, "crc32c", &[BYTEA], INT8, I, true, Scalar(bytea::crc32c_bytea)),
    f(6370, "int2", &[BYTEA], INT2, I, true, Scalar(bytea::bytea_int2)),
    f(6371, "int4", &[BYTEA], INT4, I, true, Scalar(bytea::bytea_int4)),
    f(6372, "int8", &[BYTEA], INT8, I, true, Scalar(bytea::bytea_int8)),
    f(6382, "reverse", &[BYTEA], BYTEA, I, true, Scalar(bytea::bytea_reverse)),
    f(6393, "bytea_larger", &[BYTEA, BYTEA], BYTEA, I, true, Scalar(collate::bytea_larger)),
    f(6394, "bytea_smaller", &[BYTEA, BYTEA], BYTEA, I, true, Scalar(collate::bytea_smaller)),
    f(6413, "hashbytea", &[BYTEA], INT4, I, true, Scalar(hash::hashbytea)),
];
