//! NeuroQuantumDB as a library: catalog, tables, executor and sessions.

pub mod settings;
