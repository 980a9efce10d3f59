//! The console: what the people who look after children see and do.

use crate::app::App;
use axum::Router;

/// The console's pages. The listener gives each request a `ConnectInfo<SocketAddr>`.
pub fn router(app: App) -> Router {
    Router::new().with_state(app)
}
