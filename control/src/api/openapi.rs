//! The description of the API, generated from the handlers.

use utoipa::OpenApi;
use utoipa::openapi::security::{ApiKey, ApiKeyValue, HttpAuthScheme, HttpBuilder, SecurityScheme};
use utoipa::openapi::{Content, ObjectBuilder, Ref, RefOr, ResponseBuilder, Schema, Type};

/// Answers that any route may give.
const ERRORS: [(&str, &str); 11] = [
    ("400", "a parameter or the body cannot be read"),
    ("401", "a login is needed"),
    ("403", "the role, the target or the origin is not allowed"),
    ("404", "there is no such thing"),
    ("405", "there is no such method here"),
    ("409", "it contradicts how things are"),
    ("413", "the body is too large"),
    ("415", "the body is not JSON"),
    ("422", "it can be read and cannot be done"),
    ("429", "too often"),
    ("503", "the database or the coordinator cannot be reached"),
];

#[derive(OpenApi)]
#[openapi(info(
    title = "acp",
    description = "Load-test HTTP services, from one machine to ten thousand.",
    license(name = "Apache-2.0", identifier = "Apache-2.0")
))]
struct Base;

/// The frame that routes are put into.
pub(super) fn base() -> utoipa::openapi::OpenApi {
    Base::openapi()
}

/// Adds what every route has: errors and ways to log in.
pub(super) fn finish(mut api: utoipa::openapi::OpenApi) -> utoipa::openapi::OpenApi {
    let components = api.components.get_or_insert_default();
    components.schemas.insert("Error".into(), error_schema());
    let bearer = HttpBuilder::new().scheme(HttpAuthScheme::Bearer).build();
    components.add_security_scheme("token", SecurityScheme::Http(bearer));
    let cookie = ApiKey::Cookie(ApiKeyValue::new(crate::auth::SESSION_COOKIE));
    components.add_security_scheme("session", SecurityScheme::ApiKey(cookie));
    for item in api.paths.paths.values_mut() {
        let operations =
            [&mut item.get, &mut item.post, &mut item.put, &mut item.delete].into_iter().flatten();
        for operation in operations {
            for (status, text) in ERRORS {
                let schema = RefOr::Ref(Ref::from_schema_name("Error"));
                let response = ResponseBuilder::new()
                    .description(text)
                    .content("application/json", Content::new(Some(schema)))
                    .build();
                operation.responses.responses.insert(status.into(), RefOr::T(response));
            }
        }
    }
    api
}

fn error_schema() -> RefOr<Schema> {
    let text = || ObjectBuilder::new().schema_type(Type::String);
    let error = ObjectBuilder::new()
        .property("code", text().description(Some("stable, for programs: `not_found`")))
        .property("message", text().description(Some("a sentence for people")))
        .property("hint", text().description(Some("what to do")))
        .required("code")
        .required("message");
    ObjectBuilder::new().property("error", error).required("error").build().into()
}
