//! The stylesheet and scripts, made by npm and embedded. Their names hold a hash of their content, so a browser keeps
//! them for good.

use axum::extract::Path;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use std::collections::BTreeMap;
use std::sync::LazyLock;

#[derive(rust_embed::RustEmbed)]
#[folder = "assets/dist"]
struct Dist;

static NAMES: LazyLock<BTreeMap<String, String>> = LazyLock::new(|| {
    let manifest = Dist::get("manifest.json").unwrap_or_else(|| unreachable!("build.rs wants the manifest"));
    serde_json::from_slice(&manifest.data).unwrap_or_else(|_| unreachable!("build.mjs writes a map of names"))
});

/// The address of an asset by its plain name.
pub(super) fn address(name: &str) -> String {
    NAMES
        .get(name)
        .map_or_else(String::new, |hashed| format!("/assets/{hashed}"))
}

/// Serves an asset by its hashed name.
pub(super) async fn serve(Path(name): Path<String>) -> Response {
    let Some(file) = Dist::get(&name).filter(|_| NAMES.values().any(|hashed| *hashed == name)) else {
        return StatusCode::NOT_FOUND.into_response();
    };
    let kind = match name.rsplit('.').next() {
        Some("css") => "text/css; charset=utf-8",
        Some("js") => "text/javascript; charset=utf-8",
        Some("svg") => "image/svg+xml",
        _ => "application/octet-stream",
    };
    let headers = [
        (header::CONTENT_TYPE, kind),
        (header::CACHE_CONTROL, "public, max-age=31536000, immutable"),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    ];
    (headers, file.data).into_response()
}
