//! The transactional page machine.
