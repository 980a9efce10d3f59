//! Addresses that more than one room knows, and those to which somebody may be sent after signing in.

use axum::http::Method;

/// The stream that keeps a queue current.
pub(super) const LIVE: &str = "/queue/live";
/// Where a password is changed: the only page for somebody whose password is too old.
pub(super) const PASSWORD: &str = "/account/password";
pub(super) const SAFE: &str = "/safe";

/// Where to go after signing in: only the page of a concern, to which notices lead, or of the lists.
pub(super) fn way_back(method: &Method, path: &str) -> Option<String> {
    let is_such = path.starts_with("/concerns/") || path.starts_with("/lists/");
    (method == Method::GET && is_such && is_way_back(path)).then(|| path.to_owned())
}

/// Whether an address may be gone to after signing in: one of these, or another where somebody was writing.
pub(super) fn is_way_back(path: &str) -> bool {
    let is_name = |part: &str| {
        let is_part = |byte: u8| byte.is_ascii_alphanumeric() || b"-.".contains(&byte);
        !part.is_empty() && part.len() <= 128 && part.bytes().all(is_part)
    };
    let parts: Vec<_> = path.split('/').collect();
    match parts[..] {
        ["", "queue" | "people"] => true,
        ["", "concerns" | "lists" | "people", id] => is_name(id),
        ["", "concerns", id, "reassign" | "identify"] => is_name(id),
        ["", "lists", list, term] => is_name(list) && is_name(term),
        ["", "safe", "concerns" | "records", what] => is_name(what),
        _ => false,
    }
}
