use proptest::prelude::*;

use super::*;

/// What Masterminds/semver says of ranges and versions; `helm-worker/version_ranges_test.go` holds it to that.
const TABLE: &str = include_str!("../../../../helm-worker/testdata/version-ranges.txt");

#[test]
fn ranges_admit_what_helm_says_that_they_admit() {
    let mut lines = TABLE.lines().filter(|line| !line.starts_with('#'));
    let versions: Vec<_> = lines.next().unwrap().split(' ').collect();
    let mut ranges = 0;
    for line in lines {
        let (range, said) = line.split_once('\t').unwrap();
        let parsed = VersionRange::parse(range);
        if said == "invalid" {
            assert_eq!(parsed, None, "`{range}` is no range");
        } else {
            let parsed = parsed.unwrap_or_else(|| panic!("`{range}` is a range"));
            let admitted = |text: &&str| SemanticVersion::parse(text).is_some_and(|version| parsed.admits(&version));
            let admitted: Vec<_> = versions.iter().copied().filter(admitted).collect();
            assert_eq!(admitted, said.split(' ').filter(|text| !text.is_empty()).collect::<Vec<_>>(), "`{range}`");
        }
        ranges += 1;
    }
    assert!(ranges > 80, "{ranges} ranges");
}

#[test]
fn the_newest_version_is_taken_and_one_that_is_written_exactly_so_before_it() {
    let versions = ["1.2.3", "1.10.0", "1.9.0", "2.0.0-rc.1", "v1.10.1", "latest", "1.2"];
    for (wanted, expected) in [
        ("^1.2", Some("v1.10.1")),
        ("1.2", Some("1.2")),
        ("1.2.x", Some("1.2.3")),
        ("*", Some("v1.10.1")),
        (">1-0", Some("2.0.0-rc.1")),
        ("latest", Some("latest")),
        ("^3", None),
        ("newest", None),
    ] {
        assert_eq!(newest(wanted, versions), expected, "{wanted}");
    }
    for (text, is_one) in [("1.2.3", true), ("v1.2.3-rc.1+b", true), ("1.2", false), ("1.2.x", false), ("=1.2.3", false)] {
        assert_eq!(is_exact(text), is_one, "{text}");
    }
    assert_eq!(newest("1.0.0", ["1.0.0+a", "1.0.0+b"]), Some("1.0.0+b"), "the same one every time");
}

proptest! {
    #[test]
    fn a_version_is_admitted_by_itself_and_no_text_makes_it_panic(
        numbers in prop::array::uniform3(0_u64..30),
        text in "[-v0-9x*.^~<>=!|, +a]{0,20}",
    ) {
        let version = numbers.map(|number| number.to_string()).join(".");
        let parsed = SemanticVersion::parse(&version).unwrap();
        prop_assert!(VersionRange::parse(&version).unwrap().admits(&parsed));
        if let Some(range) = VersionRange::parse(&text) {
            let _ = range.admits(&parsed);
        }
    }
}
