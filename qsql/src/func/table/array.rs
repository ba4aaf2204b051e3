//! Arrays: rows of `pg_proc`.

use super::super::Body::Scalar;
use super::super::Function;
use super::super::{array, hash_any, session};
use super::{I, INT4_A, S, V, f};
use crate::types::oid::{
    ANYARRAY, ANYCOMPATIBLE, ANYCOMPATIBLEARRAY, BOOL, BYTEA, INT4, INT8, OIDVECTOR, RECORD, TEXT,
};

#[rustfmt::skip]
pub(super) static FUNCTIONS: &[Function] = &[
    f(378, "array_append", &[ANYCOMPATIBLEARRAY, ANYCOMPATIBLE], ANYCOMPATIBLEARRAY, I, false, Scalar(array::array_append)),
    f(379, "array_prepend", &[ANYCOMPATIBLE, ANYCOMPATIBLEARRAY], ANYCOMPATIBLEARRAY, I, false, Scalar(array::array_prepend)),
    f(382, "btarraycmp", &[ANYARRAY, ANYARRAY], INT4, I, true, Scalar(array::btarraycmp)),
    f(383, "array_cat", &[ANYCOMPATIBLEARRAY, ANYCOMPATIBLEARRAY], ANYCOMPATIBLEARRAY, I, false, Scalar(array::array_cat)),
    f(384, "array_to_string", &[ANYARRAY, TEXT, TEXT], TEXT, S, false, Scalar(array::array_to_text_null)),
    f(390, "array_ne", &[ANYARRAY, ANYARRAY], BOOL, I, true, Scalar(array::array_ne)),
    f(391, "array_lt", &[ANYARRAY, ANYARRAY], BOOL, I, true, Scalar(array::array_lt)),
    f(392, "array_gt", &[ANYARRAY, ANYARRAY], BOOL, I, true, Scalar(array::array_gt)),
    f(393, "array_le", &[ANYARRAY, ANYARRAY], BOOL, I, true, Scalar(array::array_le)),
    f(395, "array_to_string", &[ANYARRAY, TEXT], TEXT, S, true, Scalar(array::array_to_text)),
    f(396, "array_ge", &[ANYARRAY, ANYARRAY], BOOL, I, true, Scalar(array::array_ge)),
    f(404, "btoidvectorcmp", &[OIDVECTOR, OIDVECTOR], INT4, I, true, Scalar(array::btoidvectorcmp)),
    f(515, "array_larger", &[ANYARRAY, ANYARRAY], ANYARRAY, I, true, Scalar(array::array_larger)),
    f(516, "array_smaller", &[ANYARRAY, ANYARRAY], ANYARRAY, I, true, Scalar(array::array_smaller)),
    f(619, "oidvectorne", &[OIDVECTOR, OIDVECTOR], BOOL, I, true, Scalar(array::oidvectorne)),
    f(626, "hash_array", &[ANYARRAY], INT4, I, true, Scalar(hash_any::hash_array)),
    f(677, "oidvectorlt", &[OIDVECTOR, OIDVECTOR], BOOL, I, true, Scalar(array::oidvectorlt)),
    f(678, "oidvectorle", &[OIDVECTOR, OIDVECTOR], BOOL, I, true, Scalar(array::oidvectorle)),
    f(679, "oidvectoreq", &[OIDVECTOR, OIDVECTOR], BOOL, I, true, Scalar(array::oidvectoreq)),
    f(680, "oidvectorge", &[OIDVECTOR, OIDVECTOR], BOOL, I, true, Scalar(array::oidvectorge)),
    f(681, "oidvectorgt", &[OIDVECTOR, OIDVECTOR], BOOL, I, true, Scalar(array::oidvectorgt)),
    f(744, "array_eq", &[ANYARRAY, ANYARRAY], BOOL, I, true, Scalar(array::array_eq)),
    f(747, "array_dims", &[ANYARRAY], TEXT, I, true, Scalar(array::array_dims)),
    f(748, "array_ndims", &[ANYARRAY], INT4, I, true, Scalar(array::array_ndims)),
    f(782, "hash_array_extended", &[ANYARRAY, INT8], INT8, I, true, Scalar(hash_any::hash_array_extended)),
    f(1349, "oidvectortypes", &[OIDVECTOR], TEXT, S, true, Scalar(session::oidvectortypes)),
    f(2091, "array_lower", &[ANYARRAY, INT4], INT4, I, true, Scalar(array::array_lower)),
    f(2092, "array_upper", &[ANYARRAY, INT4], INT4, I, true, Scalar(array::array_upper)),
    f(2176, "array_length", &[ANYARRAY, INT4], INT4, I, true, Scalar(array::array_length)),
    f(2401, "array_send", &[ANYARRAY], BYTEA, S, true, Scalar(array::array_send)),
    f(2747, "arrayoverlap", &[ANYARRAY, ANYARRAY], BOOL, I, true, Scalar(array::arrayoverlap)),
    f(2748, "arraycontains", &[ANYARRAY, ANYARRAY], BOOL, I, true, Scalar(array::arraycontains)),
    f(2749, "arraycontained", &[ANYARRAY, ANYARRAY], BOOL, I, true, Scalar(array::arraycontained)),
    f(3167, "array_remove", &[ANYCOMPATIBLEARRAY, ANYCOMPATIBLE], ANYCOMPATIBLEARRAY, I, false, Scalar(array::array_remove)),
    f(3168, "array_replace", &[ANYCOMPATIBLEARRAY, ANYCOMPATIBLE, ANYCOMPATIBLE], ANYCOMPATIBLEARRAY, I, false, Scalar(array::array_replace)),
    f(3179, "cardinality", &[ANYARRAY], INT4, I, true, Scalar(array::array_cardinality)),
    f(3218, "width_bucket", &[ANYCOMPATIBLE, ANYCOMPATIBLEARRAY], INT4, I, true, Scalar(array::width_bucket_array)),
    f(3277, "array_position", &[ANYCOMPATIBLEARRAY, ANYCOMPATIBLE], INT4, I, false, Scalar(array::array_position)),
    f(3278, "array_position", &[ANYCOMPATIBLEARRAY, ANYCOMPATIBLE, INT4], INT4, I, false, Scalar(array::array_position_start)),
    f(3279, "array_positions", &[ANYCOMPATIBLEARRAY, ANYCOMPATIBLE], INT4_A, I, false, Scalar(array::array_positions)),
    f(6172, "trim_array", &[ANYARRAY, INT4], ANYARRAY, I, true, Scalar(array::trim_array)),
    f(6192, "hash_record", &[RECORD], INT4, I, true, Scalar(hash_any::hash_record)),
    f(6193, "hash_record_extended", &[RECORD, INT8], INT8, I, true, Scalar(hash_any::hash_record_extended)),
    f(6215, "array_shuffle", &[ANYARRAY], ANYARRAY, V, true, Scalar(array::array_shuffle)),
    f(6216, "array_sample", &[ANYARRAY, INT4], ANYARRAY, V, true, Scalar(array::array_sample)),
    f(6381, "array_reverse", &[ANYARRAY], ANYARRAY, I, true, Scalar(array::array_reverse)),
    f(6388, "array_sort", &[ANYARRAY], ANYARRAY, I, true, Scalar(array::array_sort)),
    f(6389, "array_sort", &[ANYARRAY, BOOL], ANYARRAY, I, true, Scalar(array::array_sort_order)).names(&["array", "descending"]),
    f(6390, "array_sort", &[ANYARRAY, BOOL, BOOL], ANYARRAY, I, true, Scalar(array::array_sort_order_nulls_first)).names(&["array", "descending", "nulls_first"]),
];
