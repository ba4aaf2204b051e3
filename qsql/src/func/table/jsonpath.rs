//! Paths into `jsonb`, and the input and output functions of the JSON types: rows of `pg_proc`.

use super::super::Body::{Scalar, Set};
use super::super::Function;
use super::super::json;
use super::{I, S, f, input, output};
use crate::types::oid::{BOOL, CSTRING, JSON, JSONB, JSONPATH};

#[rustfmt::skip]
pub(super) static FUNCTIONS: &[Function] = &[
    f(321, "json_in", &[CSTRING], JSON, I, true, Scalar(input!(JSON))),
    f(322, "json_out", &[JSON], CSTRING, I, true, Scalar(output!(JSON))),
    f(1177, "jsonb_path_exists_tz", &[JSONB, JSONPATH, JSONB, BOOL], BOOL, S, true, Scalar(json::path::functions::jsonb_path_exists_tz)).defaults(&["'{}'::jsonb", "false"]).names(&["target", "path", "vars", "silent"]),
    f(1179, "jsonb_path_query_tz", &[JSONB, JSONPATH, JSONB, BOOL], JSONB, S, true, Set { body: json::path::functions::jsonb_path_query_tz, columns: &[] }).defaults(&["'{}'::jsonb", "false"]).names(&["target", "path", "vars", "silent"]),
    f(1180, "jsonb_path_query_array_tz", &[JSONB, JSONPATH, JSONB, BOOL], JSONB, S, true, Scalar(json::path::functions::jsonb_path_query_array_tz)).defaults(&["'{}'::jsonb", "false"]).names(&["target", "path", "vars", "silent"]),
    f(2023, "jsonb_path_query_first_tz", &[JSONB, JSONPATH, JSONB, BOOL], JSONB, S, true, Scalar(json::path::functions::jsonb_path_query_first_tz)).defaults(&["'{}'::jsonb", "false"]).names(&["target", "path", "vars", "silent"]),
    f(2030, "jsonb_path_match_tz", &[JSONB, JSONPATH, JSONB, BOOL], BOOL, S, true, Scalar(json::path::functions::jsonb_path_match_tz)).defaults(&["'{}'::jsonb", "false"]).names(&["target", "path", "vars", "silent"]),
    f(3804, "jsonb_out", &[JSONB], CSTRING, I, true, Scalar(output!(JSONB))),
    f(3806, "jsonb_in", &[CSTRING], JSONB, I, true, Scalar(input!(JSONB))),
    f(4001, "jsonpath_in", &[CSTRING], JSONPATH, I, true, Scalar(input!(JSONPATH))),
    f(4003, "jsonpath_out", &[JSONPATH], CSTRING, I, true, Scalar(output!(JSONPATH))),
    f(4005, "jsonb_path_exists", &[JSONB, JSONPATH, JSONB, BOOL], BOOL, I, true, Scalar(json::path::functions::jsonb_path_exists)).defaults(&["'{}'::jsonb", "false"]).names(&["target", "path", "vars", "silent"]),
    f(4006, "jsonb_path_query", &[JSONB, JSONPATH, JSONB, BOOL], JSONB, I, true, Set { body: json::path::functions::jsonb_path_query, columns: &[] }).defaults(&["'{}'::jsonb", "false"]).names(&["target", "path", "vars", "silent"]),
    f(4007, "jsonb_path_query_array", &[JSONB, JSONPATH, JSONB, BOOL], JSONB, I, true, Scalar(json::path::functions::jsonb_path_query_array)).defaults(&["'{}'::jsonb", "false"]).names(&["target", "path", "vars", "silent"]),
    f(4008, "jsonb_path_query_first", &[JSONB, JSONPATH, JSONB, BOOL], JSONB, I, true, Scalar(json::path::functions::jsonb_path_query_first)).defaults(&["'{}'::jsonb", "false"]).names(&["target", "path", "vars", "silent"]),
    f(4009, "jsonb_path_match", &[JSONB, JSONPATH, JSONB, BOOL], BOOL, I, true, Scalar(json::path::functions::jsonb_path_match)).defaults(&["'{}'::jsonb", "false"]).names(&["target", "path", "vars", "silent"]),
    f(4010, "jsonb_path_exists_opr", &[JSONB, JSONPATH], BOOL, I, true, Scalar(json::path::functions::jsonb_path_exists_opr)),
    f(4011, "jsonb_path_match_opr", &[JSONB, JSONPATH], BOOL, I, true, Scalar(json::path::functions::jsonb_path_match_opr)),
];
