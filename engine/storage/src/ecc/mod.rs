//! Finding and mending damaged sectors.
