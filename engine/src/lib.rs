//! NeuroQuantumDB as a library.
