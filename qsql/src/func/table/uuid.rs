//! UUIDs: rows of `pg_proc`.

use super::super::Body::Scalar;
use super::super::Function;
use super::super::{hash, uuid};
use super::{I, V, f};
use crate::types::oid::{BOOL, INT2, INT4, UUID};

#[rustfmt::skip]
pub(super) static FUNCTIONS: &[Function] = &[
    f(2954, "uuid_lt", &[UUID, UUID], BOOL, I, true, Scalar(uuid::uuid_lt)),
    f(2955, "uuid_le", &[UUID, UUID], BOOL, I, true, Scalar(uuid::uuid_le)),
    f(2956, "uuid_eq", &[UUID, UUID], BOOL, I, true, Scalar(uuid::uuid_eq)),
    f(2957, "uuid_ge", &[UUID, UUID], BOOL, I, true, Scalar(uuid::uuid_ge)),
    f(2958, "uuid_gt", &[UUID, UUID], BOOL, I, true, Scalar(uuid::uuid_gt)),
    f(2959, "uuid_ne", &[UUID, UUID], BOOL, I, true, Scalar(uuid::uuid_ne)),
    f(2960, "uuid_cmp", &[UUID, UUID], INT4, I, true, Scalar(uuid::uuid_cmp)),
    f(2963, "uuid_hash", &[UUID], INT4, I, true, Scalar(hash::uuid_hash)),
    f(3432, "gen_random_uuid", &[], UUID, V, true, Scalar(uuid::gen_random_uuid)),
    f(6343, "uuid_extract_version", &[UUID], INT2, I, true, Scalar(uuid::uuid_extract_version)),
    f(6428, "uuidv4", &[], UUID, V, true, Scalar(uuid::gen_random_uuid)),
    f(6429, "uuidv7", &[], UUID, V, true, Scalar(uuid::uuidv7)),
];
