//! `to_char`, `to_number`, `to_date`, `to_timestamp`: values through format templates.
//!
//! `pattern` reads a template into nodes; `output` prints dates and times, `input` reads them; `number` prints numbers and
//! `number_input` reads them. Literal details (case variants, padding, skipping of blanks) are those of PostgreSQL.
//!
//! Source: PostgreSQL manual 9.8 "Data Type Formatting Functions".

mod input;
mod number;
mod number_input;
mod output;
mod pattern;

pub(super) mod functions;
