//! The helper in one desktop session.
