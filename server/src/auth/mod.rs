//! Authentication: the rules of `pg_hba.conf`, SCRAM, and the brake on guessing.

pub mod hba;
pub mod scram;
pub mod throttle;
