//! What the log means: records, their application, checkpoints, and recovery after a crash.

pub mod apply;
pub mod record;
