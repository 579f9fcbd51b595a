//! The table of all paths, the layers around them, and their description `/openapi.json`.

pub(crate) mod actions;
pub(crate) mod chaos;
pub(crate) mod configs;
pub(crate) mod events;
pub(crate) mod hosts;
pub(crate) mod levers;
pub(crate) mod live;
pub(crate) mod metrics;
pub(crate) mod overrides;
pub(crate) mod previews;
pub(crate) mod recordings;
pub(crate) mod runs;
pub(crate) mod simulations;
pub(crate) mod status;
pub(crate) mod timeline;

use std::sync::Arc;

use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::http::header;
use axum::middleware::{from_fn, from_fn_with_state};
use axum::response::Html;
use axum::routing::get;
use utoipa::OpenApi;
use utoipa::openapi::security::{Http, HttpAuthScheme, SecurityRequirement, SecurityScheme};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::access::{self, Access};
use crate::body_budget::{self, BODY_BYTES_MAX, BodyBudget};
use crate::description::describe;
use crate::error::{ErrorBody, in_one_form};
use crate::limits::{self, Pace};
use crate::page;
use crate::shards::{WholeRun, over_all};
use crate::state::AppState;

/// All paths that are about runs, without the layers around them.
pub(crate) fn of_api(state: Arc<AppState>) -> Router {
    described().split_for_parts().0.with_state(state).layer(DefaultBodyLimit::max(BODY_BYTES_MAX))
}

/// All paths with their layers, the outermost last. Those that are about a run of shards ask the others, too.
pub(crate) fn router(state: Arc<AppState>, access: Access, whole: Option<Arc<WholeRun>>) -> Router {
    let (router, description) = described().split_for_parts();
    let description: Arc<str> = describe(&description).into();
    let json = [(header::CONTENT_TYPE, "application/json")];
    let router = match whole {
        Some(whole) => router.layer(from_fn_with_state(whole, over_all)),
        None => router,
    };
    router
        .route("/openapi.json", get(move || async move { (json, description.to_string()) }))
        .route("/docs", get(|| async { Html(include_str!("docs.html")) }))
        .merge(page::routes())
        .with_state(state)
        .layer(DefaultBodyLimit::max(BODY_BYTES_MAX))
        .layer(from_fn_with_state(Arc::new(BodyBudget::default()), body_budget::hold))
        .layer(from_fn_with_state(Arc::new(access), access::check))
        .layer(from_fn_with_state(Arc::new(Pace::default()), limits::pace))
        .layer(from_fn(in_one_form))
        .layer(from_fn(limits::mark))
}

pub(crate) fn described() -> OpenApiRouter<Arc<AppState>> {
    OpenApiRouter::with_openapi(Description::openapi())
        .routes(routes!(status::health))
        .routes(routes!(status::ready))
        .routes(routes!(status::own_metrics))
        .routes(routes!(status::health_of_api))
        .routes(routes!(status::info))
        .routes(routes!(status::info_of_api))
        .routes(routes!(status::version))
        .routes(routes!(status::status))
        .routes(routes!(hosts::hosts, hosts::add_host))
        .routes(routes!(hosts::fleet))
        .routes(routes!(hosts::host, hosts::remove_host))
        .routes(routes!(hosts::stop_host))
        .routes(routes!(hosts::start_host))
        .routes(routes!(actions::act))
        .routes(routes!(metrics::metrics))
        .routes(routes!(metrics::series))
        .routes(routes!(metrics::metric))
        .routes(routes!(overrides::set_override, overrides::end_override))
        .routes(routes!(overrides::overrides))
        .routes(routes!(levers::levers))
        .routes(routes!(levers::move_lever, levers::release_lever))
        .routes(routes!(timeline::timeline))
        .routes(routes!(timeline::spans))
        .routes(routes!(timeline::skip_phase))
        .routes(routes!(timeline::begin_fault, timeline::end_fault))
        .routes(routes!(live::live))
        .routes(routes!(live::charts))
        .routes(routes!(events::listened, events::post_event))
        .routes(routes!(events::events))
        .routes(routes!(configs::configs))
        .routes(routes!(configs::config))
        .routes(routes!(configs::check))
        .routes(routes!(previews::preview))
        .routes(routes!(recordings::recordings))
        .routes(routes!(recordings::recording_samples))
        .routes(routes!(runs::runs, runs::create_run))
        .routes(routes!(runs::run, runs::delete_run))
        .routes(routes!(runs::start_run))
        .routes(routes!(runs::stop_run))
        .routes(routes!(runs::run_metrics))
        .routes(routes!(runs::run_config))
        .routes(routes!(simulations::simulations, simulations::create_simulation))
        .routes(routes!(simulations::simulation))
        .routes(routes!(simulations::start_simulation))
        .routes(routes!(simulations::stop_simulation))
        .routes(routes!(simulations::results))
        .routes(routes!(chaos::cpu_spike))
        .routes(routes!(chaos::memory_leak))
        .routes(routes!(chaos::process_kill))
}

#[derive(OpenApi)]
#[openapi(
    info(title = "promemu", description = "Reads and steers runs of promemu.", license(name = "MIT OR Apache-2.0")),
    components(schemas(ErrorBody)),
    modifiers(&Security),
)]
struct Description;

/// Describes the token, which is optional.
struct Security;

impl utoipa::Modify for Security {
    fn modify(&self, api: &mut utoipa::openapi::OpenApi) {
        let scheme = SecurityScheme::Http(Http::new(HttpAuthScheme::Bearer));
        api.components.get_or_insert_default().add_security_scheme("token", scheme);
        let scopes: [String; 0] = [];
        api.security = Some(vec![SecurityRequirement::default(), SecurityRequirement::new("token", scopes)]);
    }
}
