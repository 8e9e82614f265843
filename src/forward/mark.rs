//! The mark of a copy, by which a collector knows what another one forwarded, and does not forward
//! it: two that name each other would send the same spans to and fro for ever.

use axum::Router;
use axum::extract::Request;
use axum::middleware::{self, Next};
use axum::response::Response;

/// A header of every request that is a copy.
pub(super) const HEADER: &str = "spaniel-forwarded";

tokio::task_local! {
    /// True while a request is served that is a copy.
    static FORWARDED: bool;
}

/// True in the task of a request that is a copy.
pub(super) fn is_set() -> bool {
    FORWARDED.try_with(|forwarded| *forwarded).unwrap_or(false)
}

/// Routes that know copies.
pub(super) fn routes(router: Router) -> Router {
    router.layer(middleware::from_fn(serve))
}

async fn serve(request: Request, next: Next) -> Response {
    let forwarded = request.headers().contains_key(HEADER);
    FORWARDED.scope(forwarded, next.run(request)).await
}
