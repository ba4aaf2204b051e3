//! JSON as text: rows of `pg_proc`.

use super::super::Body::{Aggregate, Scalar, Set};
use super::super::Function;
use super::super::{aggregate, json};
use super::{I, S, TEXT_A, f};
use crate::types::oid::{ANY, ANYARRAY, ANYELEMENT, BOOL, INT4, JSON, RECORD, TEXT};

#[rustfmt::skip]
pub(super) static FUNCTIONS: &[Function] = &[
    f(3153, "array_to_json", &[ANYARRAY], JSON, S, true, Scalar(json::make::to_json)),
    f(3154, "array_to_json", &[ANYARRAY, BOOL], JSON, S, true, Scalar(json::make::to_json_lines)),
    f(3155, "row_to_json", &[RECORD], JSON, S, true, Scalar(json::make::to_json)),
    f(3156, "row_to_json", &[RECORD, BOOL], JSON, S, true, Scalar(json::make::to_json_lines)),
    f(3175, "json_agg", &[ANYELEMENT], JSON, S, false, Aggregate(aggregate::json_agg)),
    f(3176, "to_json", &[ANYELEMENT], JSON, S, true, Scalar(json::make::to_json)),
    f(3197, "json_object_agg", &[ANY, ANY], JSON, S, false, Aggregate(aggregate::json_object_agg)).names(&["key", "value"]),
    f(3198, "json_build_array", &[ANY], JSON, S, false, Scalar(json::make::json_build_array)).variadic(ANY),
    f(3199, "json_build_array", &[], JSON, S, false, Scalar(json::make::json_build_array)),
    f(3200, "json_build_object", &[ANY], JSON, S, false, Scalar(json::make::json_build_object)).variadic(ANY),
    f(3201, "json_build_object", &[], JSON, S, false, Scalar(json::make::json_build_object)),
    f(3202, "json_object", &[TEXT_A], JSON, I, true, Scalar(json::make::json_object)),
    f(3203, "json_object", &[TEXT_A, TEXT_A], JSON, I, true, Scalar(json::make::json_object_two_arg)),
    f(3204, "json_to_record", &[JSON], RECORD, S, true, Set { body: json::record::json_to_record, columns: &[] }),
    f(3205, "json_to_recordset", &[JSON], RECORD, S, false, Set { body: json::record::json_to_recordset, columns: &[] }),
    f(3261, "json_strip_nulls", &[JSON, BOOL], JSON, I, true, Scalar(json::text::json_strip_nulls)).defaults(&["false"]).names(&["target", "strip_in_arrays"]),
    f(3947, "json_object_field", &[JSON, TEXT], JSON, I, true, Scalar(json::text::json_object_field)).names(&["from_json", "field_name"]),
    f(3948, "json_object_field_text", &[JSON, TEXT], TEXT, I, true, Scalar(json::text::json_object_field_text)).names(&["from_json", "field_name"]),
    f(3949, "json_array_element", &[JSON, INT4], JSON, I, true, Scalar(json::text::json_array_element)).names(&["from_json", "element_index"]),
    f(3950, "json_array_element_text", &[JSON, INT4], TEXT, I, true, Scalar(json::text::json_array_element_text)).names(&["from_json", "element_index"]),
    f(3951, "json_extract_path", &[JSON, TEXT_A], JSON, I, true, Scalar(json::text::json_extract_path)).variadic(TEXT).names(&["from_json", "path_elems"]),
    f(3953, "json_extract_path_text", &[JSON, TEXT_A], TEXT, I, true, Scalar(json::text::json_extract_path_text)).variadic(TEXT).names(&["from_json", "path_elems"]),
    f(3955, "json_array_elements", &[JSON], JSON, I, true, Set { body: json::text::json_array_elements, columns: &[("value", JSON)] }).names(&["from_json"]),
    f(3956, "json_array_length", &[JSON], INT4, I, true, Scalar(json::text::json_array_length)),
    f(3957, "json_object_keys", &[JSON], TEXT, I, true, Set { body: json::text::json_object_keys, columns: &[] }),
    f(3958, "json_each", &[JSON], RECORD, I, true, Set { body: json::text::json_each, columns: &[("key", TEXT), ("value", JSON)] }).names(&["from_json"]),
    f(3959, "json_each_text", &[JSON], RECORD, I, true, Set { body: json::text::json_each_text, columns: &[("key", TEXT), ("value", TEXT)] }).names(&["from_json"]),
    f(3960, "json_populate_record", &[ANYELEMENT, JSON, BOOL], ANYELEMENT, S, false, Scalar(json::record::json_populate_record)).defaults(&["false"]).names(&["base", "from_json", "use_json_as_text"]),
    f(3961, "json_populate_recordset", &[ANYELEMENT, JSON, BOOL], ANYELEMENT, S, false, Set { body: json::record::json_populate_recordset, columns: &[] }).defaults(&["false"]).names(&["base", "from_json", "use_json_as_text"]),
    f(3968, "json_typeof", &[JSON], TEXT, I, true, Scalar(json::text::json_typeof)),
    f(3969, "json_array_elements_text", &[JSON], TEXT, I, true, Set { body: json::text::json_array_elements_text, columns: &[("value", TEXT)] }).names(&["from_json"]),
    f(6276, "json_agg_strict", &[ANYELEMENT], JSON, S, false, Aggregate(aggregate::json_agg_strict)),
    f(6280, "json_object_agg_strict", &[ANY, ANY], JSON, S, false, Aggregate(aggregate::json_object_agg_strict)).names(&["key", "value"]),
    f(6281, "json_object_agg_unique", &[ANY, ANY], JSON, S, false, Aggregate(aggregate::json_object_agg_unique)).names(&["key", "value"]),
    f(6282, "json_object_agg_unique_strict", &[ANY, ANY], JSON, S, false, Aggregate(aggregate::json_object_agg_unique_strict)).names(&["key", "value"]),
];
