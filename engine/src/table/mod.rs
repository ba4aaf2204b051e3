//! Tables as the storage layer holds them: rows and index keys as bytes, and how scans read them.

pub(crate) mod build;
pub mod key;
pub(crate) mod method;
pub mod row;
pub mod scan;
pub(crate) mod sequence;
pub mod value;
pub mod write;
