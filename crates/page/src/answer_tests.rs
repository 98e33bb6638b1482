use http_body_util::BodyExt as _;

use super::*;

const HTML: &str =
    "<!doctype html><html><head><meta charset=\"utf-8\"><script type=\"module\" src=\"./assets/main-1a.js\"></script>";

fn page(base: &str) -> Page {
    let files = [
        ("index.html", HTML),
        ("favicon.svg", "<svg/>"),
        ("assets/main-1a.js", "plain"),
        ("assets/main-1a.js.br", "brotli"),
        ("assets/main-1a.js.gz", "gzip"),
        ("assets/style-2b.css", "a{}"),
    ];
    let files = files.into_iter().map(|(path, text)| (path.to_owned(), text.as_bytes().to_vec()));
    Page::new(Files::Given(files.collect()), base)
}

struct Answer {
    status: StatusCode,
    headers: HeaderMap,
    body: String,
}

async fn ask(page: &Page, method: Method, path: &str, headers: &[(header::HeaderName, &str)]) -> Answer {
    let headers = headers.iter().map(|(name, value)| (name.clone(), HeaderValue::from_str(value).unwrap()));
    let (parts, body) = page.answer(&method, path, &headers.collect()).into_parts();
    let body = body.collect().await.unwrap().to_bytes();
    Answer { status: parts.status, headers: parts.headers, body: String::from_utf8(body.to_vec()).unwrap() }
}

#[tokio::test]
async fn every_path_that_names_no_file_is_the_page_with_its_base() {
    let page = page("/slipway/");
    for path in ["/", "/index.html", "/shop/staging/deployments/12", "/stages/0.DEFAULT%20DATABASE", "/../../etc/passwd"] {
        let answer = ask(&page, Method::GET, path, &[]).await;
        assert_eq!(answer.status, StatusCode::OK, "{path}");
        let expected = HTML.replace("<head>", "<head><base href=\"/slipway/\">");
        assert_eq!(answer.body, expected, "{path}");
        assert_eq!(answer.headers[header::CACHE_CONTROL], "no-cache");
        assert_eq!(answer.headers[header::CONTENT_TYPE], "text/html; charset=utf-8");
    }
}

#[tokio::test]
async fn a_base_that_the_page_has_already_is_replaced() {
    let html = "<head><base href=\"/\" /><title>Slipway</title>";
    let page = Page::new(Files::Given([("index.html".to_owned(), html.as_bytes().to_vec())].into()), "/slipway/");
    let answer = ask(&page, Method::GET, "/", &[]).await;
    assert_eq!(answer.body, "<head><base href=\"/slipway/\"><title>Slipway</title>");
}

#[tokio::test]
async fn a_page_that_has_not_changed_is_not_sent_again_and_another_base_is_another_page() {
    let (page, other) = (page("/"), page("/other/"));
    let tag = ask(&page, Method::GET, "/", &[]).await.headers[header::ETAG].to_str().unwrap().to_owned();
    let again = ask(&page, Method::GET, "/", &[(header::IF_NONE_MATCH, &format!("\"x\", W/{tag}"))]).await;
    assert_eq!((again.status, again.body.as_str()), (StatusCode::NOT_MODIFIED, ""));
    assert_eq!(again.headers[header::ETAG], tag.as_str());
    let moved = ask(&other, Method::GET, "/", &[(header::IF_NONE_MATCH, &tag)]).await;
    assert_eq!(moved.status, StatusCode::OK);
}

#[tokio::test]
async fn hashed_files_are_kept_for_a_year_and_others_are_asked_for_again() {
    let page = page("/");
    for (path, kept, media_type) in [
        ("/assets/main-1a.js", "public, max-age=31536000, immutable", "text/javascript; charset=utf-8"),
        ("/assets/style-2b.css", "public, max-age=31536000, immutable", "text/css; charset=utf-8"),
        ("/favicon.svg", "no-cache", "image/svg+xml"),
    ] {
        let answer = ask(&page, Method::GET, path, &[]).await;
        assert_eq!(answer.status, StatusCode::OK, "{path}");
        assert_eq!(answer.headers[header::CACHE_CONTROL], kept);
        assert_eq!(answer.headers[header::CONTENT_TYPE], media_type);
    }
}

#[tokio::test]
async fn a_client_gets_the_best_encoding_that_it_takes_under_a_tag_of_its_own() {
    let page = page("/");
    let mut tags = Vec::new();
    for (accepted, body, encoding) in
        [("gzip, br", "brotli", Some("br")), ("gzip", "gzip", Some("gzip")), ("identity", "plain", None)]
    {
        let answer = ask(&page, Method::GET, "/assets/main-1a.js", &[(header::ACCEPT_ENCODING, accepted)]).await;
        assert_eq!(answer.body, body);
        assert_eq!(answer.headers.get(header::CONTENT_ENCODING).map(|value| value.to_str().unwrap()), encoding);
        assert_eq!(answer.headers[header::CONTENT_TYPE], "text/javascript; charset=utf-8");
        assert_eq!(answer.headers[header::VARY], "accept-encoding");
        tags.push(answer.headers[header::ETAG].clone());
    }
    tags.dedup();
    assert_eq!(tags.len(), 3);
    let plain = ask(&page, Method::GET, "/assets/style-2b.css", &[(header::ACCEPT_ENCODING, "br")]).await;
    assert_eq!((plain.body.as_str(), plain.headers.get(header::CONTENT_ENCODING)), ("a{}", None));
}

#[tokio::test]
async fn a_head_says_what_a_get_would_and_sends_nothing() {
    let page = page("/");
    let answer = ask(&page, Method::HEAD, "/assets/main-1a.js", &[]).await;
    assert_eq!((answer.status, answer.body.as_str()), (StatusCode::OK, ""));
    assert_eq!(answer.headers[header::CONTENT_LENGTH], "5");
    let posted = ask(&page, Method::POST, "/", &[]).await;
    assert_eq!(posted.status, StatusCode::METHOD_NOT_ALLOWED);
    assert_eq!(posted.headers[header::ALLOW], "GET, HEAD");
}

#[tokio::test]
async fn no_way_leads_out_of_the_files() {
    let page = page("/");
    for path in [
        "/assets/../index.html",
        "/assets/../../Cargo.toml",
        "/assets/%2e%2e/index.html",
        "/assets/..%2findex.html",
        "/assets/..\\index.html",
        "/assets//main-1a.js",
        "/assets/",
        "/assets/gone-3c.js",
    ] {
        let answer = ask(&page, Method::GET, path, &[]).await;
        assert_eq!((answer.status, answer.body.as_str()), (StatusCode::NOT_FOUND, "there is no such file\n"), "{path}");
    }
}

#[tokio::test]
async fn a_program_without_its_page_says_how_it_is_built() {
    let page = Page::new(Files::Given([].into()), "/");
    let answer = ask(&page, Method::GET, "/shop", &[]).await;
    assert_eq!(answer.status, StatusCode::NOT_FOUND);
    assert!(answer.body.contains("make web"), "{}", answer.body);
    assert_eq!(answer.headers[header::CACHE_CONTROL], "no-store");
}
