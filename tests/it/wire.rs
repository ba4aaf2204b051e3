//! The wire protocol with a real driver.
