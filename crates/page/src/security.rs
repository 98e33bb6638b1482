//! What a browser may do with anything that this server sends.

use axum::http::{HeaderName, HeaderValue, header};
use axum::response::Response;

/// Scripts, styles and data of the server itself and of nobody else; nothing inline but pictures. `base-uri` is needed for the
/// `<base>` that the server writes into the page.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; font-src 'self'; \
     connect-src 'self'; base-uri 'self'; form-action 'self'; frame-ancestors 'none'";

/// No device, no sensor, no payment.
const PERMISSIONS: &str = "accelerometer=(), camera=(), display-capture=(), geolocation=(), gyroscope=(), microphone=(), midi=(), \
     payment=(), serial=(), usb=()";

const HEADERS: [(HeaderName, &str); 7] = [
    (header::CONTENT_SECURITY_POLICY, POLICY),
    (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    (header::REFERRER_POLICY, "no-referrer"),
    (header::X_FRAME_OPTIONS, "DENY"),
    (HeaderName::from_static("cross-origin-opener-policy"), "same-origin"),
    (HeaderName::from_static("cross-origin-resource-policy"), "same-origin"),
    (HeaderName::from_static("permissions-policy"), PERMISSIONS),
];

/// The same answer with the headers that bind a browser.
pub async fn secured(mut response: Response) -> Response {
    let headers = response.headers_mut();
    for (name, value) in HEADERS {
        headers.insert(name, HeaderValue::from_static(value));
    }
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn nothing_of_another_host_and_nothing_inline_is_allowed() {
        let response = secured(Response::default()).await;
        let policy = response.headers()["content-security-policy"].to_str().unwrap();
        let allowed: Vec<&str> = policy.split("; ").flat_map(|directive| directive.split(' ').skip(1)).collect();
        assert!(allowed.iter().all(|source| ["'none'", "'self'", "data:"].contains(source)), "{policy}");
        assert!(policy.starts_with("default-src 'none'; ") && policy.contains("frame-ancestors 'none'"), "{policy}");
        assert_eq!(response.headers()["x-content-type-options"], "nosniff");
        assert_eq!(response.headers()["referrer-policy"], "no-referrer");
        assert_eq!(response.headers()["cross-origin-opener-policy"], "same-origin");
        assert!(response.headers().contains_key("permissions-policy"));
    }
}
