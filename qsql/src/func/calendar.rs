//! The proleptic Gregorian calendar over days since 2000-01-01, and its English names.

const WEEKDAYS: [&str; 7] = ["Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday"];
const MONTHS: [&str; 12] = [
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
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

/// Day of the week, 0 = Sunday.
pub(super) fn weekday(days: i64) -> i64 {
    (days + 6).rem_euclid(7)
}

/// English name of the day of the week.
pub(super) fn weekday_name(days: i64) -> &'static str {
    WEEKDAYS[weekday(days) as usize]
}

/// English name of a month 1-12.
pub(super) fn month_name(month: i64) -> &'static str {
    MONTHS[(month - 1).clamp(0, 11) as usize]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_have_their_names() {
        assert_eq!(civil(0), (2000, 1, 1));
        assert_eq!(civil(-10_957), (1970, 1, 1));
        assert_eq!((weekday_name(0), month_name(12)), ("Saturday", "December"));
    }
}
