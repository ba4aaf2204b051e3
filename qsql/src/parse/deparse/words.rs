//! The words of the grammar's enumerations.

use super::super::ast::{IntervalFields, SqlValueFunc};

/// The word of a function without parentheses.
pub(crate) fn sql_value_word(func: SqlValueFunc) -> &'static str {
    use SqlValueFunc::*;
    match func {
        CurrentDate => "CURRENT_DATE",
        CurrentTime => "CURRENT_TIME",
        CurrentTimestamp => "CURRENT_TIMESTAMP",
        LocalTime => "LOCALTIME",
        LocalTimestamp => "LOCALTIMESTAMP",
        CurrentRole => "CURRENT_ROLE",
        CurrentUser => "CURRENT_USER",
        User => "USER",
        SessionUser => "SESSION_USER",
        SystemUser => "SYSTEM_USER",
        CurrentCatalog => "CURRENT_CATALOG",
        CurrentSchema => "CURRENT_SCHEMA",
    }
}

/// The fields of an interval's type.
pub(super) fn interval_words(fields: IntervalFields) -> &'static str {
    use IntervalFields::*;
    match fields {
        Year => "year",
        Month => "month",
        Day => "day",
        Hour => "hour",
        Minute => "minute",
        Second => "second",
        YearToMonth => "year to month",
        DayToHour => "day to hour",
        DayToMinute => "day to minute",
        DayToSecond => "day to second",
        HourToMinute => "hour to minute",
        HourToSecond => "hour to second",
        MinuteToSecond => "minute to second",
    }
}
