//! The proleptic Gregorian calendar over days since 2000-01-01, and its English names.

/// Julian day of 2000-01-01.
pub(super) const EPOCH_JULIAN: i64 = 2_451_545;

const WEEKDAYS: [&str; 7] = ["Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday"];
const MONTHS: [&str; 12] = [
    "January", "February", "March", "April", "May", "June", "July", "August", "September", "October", "November",
    "December",
];

/// Year (astronomical: 0 is 1 BC), month 1-12 and day of a day number.
pub(super) fn civil(days: i64) -> (i64, i64, i64) {
    // Days since 0000-03-01, in eras of 400 years (Hinnant, "chrono-Compatible Low-Level Date Algorithms").
    let z = days + 730_425;
    let era = z.div_euclid(146_097);
    let day_of_era = z.rem_euclid(146_097);
    let year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * shifted + 2) / 5 + 1;
    let month = if shifted < 10 { shifted + 3 } else { shifted - 9 };
    (year_of_era + era * 400 + i64::from(month <= 2), month, day)
}

/// Day number of a date; `day` may lie outside the month.
pub(super) fn days(year: i64, month: i64, day: i64) -> i64 {
    let year = if month <= 2 { year - 1 } else { year };
    let era = year.div_euclid(400);
    let year_of_era = year.rem_euclid(400);
    let shifted = if month > 2 { month - 3 } else { month + 9 };
    let day_of_year = (153 * shifted + 2) / 5 + day - 1;
    era * 146_097 + year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year - 730_425
}

/// Day of the week, 0 = Sunday.
pub(super) fn weekday(days: i64) -> i64 {
    (days + 6).rem_euclid(7)
}

/// ISO 8601 year and week.
pub(super) fn iso_week(day: i64) -> (i64, i64) {
    let thursday = day - (weekday(day) + 6) % 7 + 3;
    let (year, _, _) = civil(thursday);
    (year, (thursday - days(year, 1, 1)) / 7 + 1)
}

/// The Monday of an ISO week.
pub(super) fn iso_week_start(year: i64, week: i64) -> i64 {
    let fourth = days(year, 1, 4);
    fourth - (weekday(fourth) + 6) % 7 + (week - 1) * 7
}

/// Whether a year has a 29 February.
pub(super) fn is_leap(year: i64) -> bool {
    year.rem_euclid(4) == 0 && (year.rem_euclid(100) != 0 || year.rem_euclid(400) == 0)
}

/// Days of a month.
pub(super) fn days_in_month(year: i64, month: i64) -> i64 {
    match month {
        2 => 28 + i64::from(is_leap(year)),
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

/// English name of the day of the week.
pub(super) fn weekday_name(days: i64) -> &'static str {
    WEEKDAYS[weekday(days) as usize]
}

/// English name of a month 1-12.
pub(super) fn month_name(month: i64) -> &'static str {
    MONTHS[(month - 1).clamp(0, 11) as usize]
}

/// All names of months, January first.
pub(super) fn month_names() -> &'static [&'static str; 12] {
    &MONTHS
}

/// All names of weekdays, Sunday first.
pub(super) fn weekday_names() -> &'static [&'static str; 7] {
    &WEEKDAYS
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn calendar_there_and_back() {
        assert_eq!(civil(0), (2000, 1, 1));
        assert_eq!(days(1970, 1, 1), -10_957);
        assert_eq!(weekday_name(0), "Saturday");
        for day in (-2_000_000..2_000_000).step_by(997) {
            let (y, m, d) = civil(day);
            assert_eq!(days(y, m, d), day);
            assert!(d <= days_in_month(y, m));
        }
    }

    #[test]
    fn iso_weeks() {
        assert_eq!(iso_week(days(2005, 1, 1)), (2004, 53));
        assert_eq!(iso_week(days(2008, 12, 29)), (2009, 1));
        assert_eq!(iso_week_start(2009, 1), days(2008, 12, 29));
    }
}
