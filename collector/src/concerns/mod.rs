//! What a reviewer handles. Everything here is pure: no I/O, clock or randomness.

pub mod model;
