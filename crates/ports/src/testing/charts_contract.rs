//! What every place of packed charts does.

use slipway_core::failure::{Code, FailureKind};
use slipway_core::names::sha256_hex;

use crate::{CancellationToken, ChartPlace, ChartVersion, Charts, Reader};

/// The versions in which a chart is there, and in no other.
pub const CHART_VERSIONS: [&str; 6] = ["1.2.3", "1.9.0", "1.10.0", "1.10.1-rc.1", "2.0.0", "2.1.0-rc.1"];

/// Proves the promises of [`Charts`] of a chart that is there in [`CHART_VERSIONS`].
pub async fn charts_contract(charts: &dyn Charts, place: &ChartPlace, reader: &Reader) {
    let never = CancellationToken::new();
    for (wanted, version) in [
        ("1.2.3", "1.2.3"),
        ("2.1.0-rc.1", "2.1.0-rc.1"),
        ("^1.2", "1.10.0"),
        (">=1 <1.10", "1.9.0"),
        ("1.2.x", "1.2.3"),
        ("~1.10.0-0", "1.10.1-rc.1"),
        ("*", "2.0.0"),
        ("1.2 - 1.9 || 7", "1.9.0"),
    ] {
        let resolved = charts.resolve(place, wanted, reader).await;
        let resolved = resolved.unwrap_or_else(|failure| panic!("{place} {wanted}: {failure}"));
        assert_eq!(resolved.version, version, "{place} {wanted}");
        let archive = charts.archive(place, &resolved, reader, &never).await;
        let archive = archive.unwrap_or_else(|failure| panic!("{place} {wanted}: {failure}"));
        assert_eq!(resolved.digest, format!("sha256:{}", sha256_hex(&archive)), "{place} {wanted}");
    }
    for missing in ["9.9.9", "^3", "latest", "../x"] {
        let failure = charts.resolve(place, missing, reader).await.expect_err("no such version is there");
        assert_eq!((failure.kind, failure.code), (FailureKind::Permanent, Code::ChartNotFound), "{place} {missing}: {failure}");
        assert!(failure.hint.is_some_and(|hint| hint.contains("1.2.3")), "{place} {missing}: it says what there is");
    }
    let another = ChartVersion { version: "1.2.3".to_owned(), digest: format!("sha256:{}", sha256_hex(b"another chart")) };
    let failure = charts.archive(place, &another, reader, &never).await.expect_err("it is no such chart");
    assert_eq!(failure.kind, FailureKind::Permanent, "{place}: {failure}");
    assert!(matches!(failure.code, Code::DigestMismatch | Code::ChartNotFound), "{place}: {failure}");
}
