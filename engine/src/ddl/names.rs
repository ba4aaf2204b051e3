//! Names that PostgreSQL chooses: `t_pkey`, `t_a_key`, `t_a_b_idx`, `t_a_seq`, with numbers where they are taken.

/// Longest identifier, bytes.
pub(crate) const NAME_MAX_BYTES: usize = 63;

/// Joins names with a label, shortening the longer ones so that the result fits.
pub(crate) fn object_name(first: &str, second: Option<&str>, label: &str) -> String {
    let overhead = label.len() + usize::from(!label.is_empty()) + usize::from(second.is_some());
    let room = NAME_MAX_BYTES.saturating_sub(overhead);
    let (mut a, mut b) = (first.len(), second.map_or(0, str::len));
    while a + b > room {
        if a > b { a -= 1 } else { b -= 1 }
    }
    let mut name = first[..first.floor_char_boundary(a)].to_owned();
    if let Some(second) = second {
        name.push('_');
        name.push_str(&second[..second.floor_char_boundary(b)]);
    }
    if !label.is_empty() {
        name.push('_');
        name.push_str(label);
    }
    name
}

/// The first of `name`, `name1`, `name2`, ... (the number goes behind the label) that is not taken.
pub(crate) fn choose(
    first: &str,
    second: Option<&str>,
    label: &str,
    mut taken: impl FnMut(&str) -> bool,
) -> String {
    let mut name = object_name(first, second, label);
    let mut number = 0;
    while taken(&name) {
        number += 1;
        name = object_name(first, second, &format!("{label}{number}"));
    }
    name
}

/// The columns' part of an index's name, cut like PostgreSQL's `ChooseIndexNameAddition`.
pub(crate) fn columns_part<'a>(names: impl Iterator<Item = &'a str>) -> String {
    let mut part = String::new();
    for name in names {
        if !part.is_empty() {
            part.push('_');
        }
        part.push_str(name);
        if part.len() >= NAME_MAX_BYTES {
            break;
        }
    }
    part
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_postgresqls() {
        assert_eq!(object_name("t", None, "pkey"), "t_pkey");
        assert_eq!(object_name("t", Some("a_b"), "idx"), "t_a_b_idx");
        let long = "x".repeat(63);
        assert_eq!(object_name(&long, Some("a"), "seq"), format!("{}_a_seq", "x".repeat(57)));
        assert_eq!(object_name(&long, Some(&long), "key").len(), 63);
        let taken = ["t_a_idx", "t_a_idx1"];
        assert_eq!(choose("t", Some("a"), "idx", |n| taken.contains(&n)), "t_a_idx2");
    }
}
