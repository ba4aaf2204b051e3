//! The shapes of rows: names and types of the fields of values of type `record`, by a number that serves as type modifier.
//!
//! PostgreSQL does the same (its "blessed" record types). A shape is remembered for the life of the process; equal shapes have one
//! number. Beyond [`SHAPES_MAX`] no more are taken in: rows of other shapes then have fields without known names.

use std::sync::{Arc, LazyLock, PoisonError, RwLock};

use hashbrown::HashMap;

use super::DataType;

/// A field: its name and type.
pub type Field = (Arc<str>, DataType);

/// Most shapes that are remembered.
const SHAPES_MAX: usize = 1 << 16;

#[derive(Default)]
struct Shapes {
    by_number: Vec<Arc<[Field]>>,
    numbers: HashMap<Arc<[Field]>, i32>,
}

static SHAPES: LazyLock<RwLock<Shapes>> = LazyLock::new(RwLock::default);

/// The modifier of rows with these fields; -1 when there is no room for another shape.
pub fn modifier(fields: &[Field]) -> i32 {
    if let Some(&number) = SHAPES.read().unwrap_or_else(PoisonError::into_inner).numbers.get(fields) {
        return number;
    }
    let mut shapes = SHAPES.write().unwrap_or_else(PoisonError::into_inner);
    if let Some(&number) = shapes.numbers.get(fields) {
        return number;
    }
    let next = shapes.by_number.len();
    if next >= SHAPES_MAX {
        return -1;
    }
    let fields: Arc<[Field]> = fields.into();
    shapes.by_number.push(fields.clone());
    shapes.numbers.insert(fields, next as i32);
    next as i32
}

/// The fields of rows of a type, `record` or composite, where they are known.
pub fn fields_of(ty: DataType) -> Option<Arc<[Field]>> {
    match ty.oid {
        super::oid::RECORD => fields(ty.typmod),
        other => super::user::find(super::info::base_type(other))?.fields(),
    }
}

/// The fields of rows with this modifier, where it is known.
pub fn fields(modifier: i32) -> Option<Arc<[Field]>> {
    let number = usize::try_from(modifier).ok()?;
    SHAPES.read().unwrap_or_else(PoisonError::into_inner).by_number.get(number).cloned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::types::oid;

    #[test]
    fn equal_shapes_have_one_number() {
        let shape = |name: &str| [(Arc::from(name), DataType::of(oid::INT4))];
        let (a, b) = (modifier(&shape("rowtype a")), modifier(&shape("rowtype b")));
        assert!(a >= 0 && a != b && modifier(&shape("rowtype a")) == a);
        assert_eq!(&*fields(b).unwrap(), &shape("rowtype b"));
        assert!(fields(-1).is_none());
    }
}
