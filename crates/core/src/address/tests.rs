use proptest::prelude::*;

use super::*;

fn address(text: &str) -> IpAddr {
    text.parse().unwrap()
}

fn open() -> AddressRule {
    AddressRule::default()
}

fn rule(allowed: &[&str]) -> AddressRule {
    AddressRule { is_local: false, allowed: allowed.iter().map(|text| text.parse().unwrap()).collect() }
}

fn local() -> AddressRule {
    AddressRule { is_local: true, allowed: Vec::new() }
}

#[test]
fn metadata_is_never_asked_whoever_allows_it_and_however_it_is_written() {
    let all = AddressRule { is_local: true, allowed: rule(&["0.0.0.0/0", "::/0", "metadata.google.internal"]).allowed };
    for host in [
        "169.254.169.254",
        "169.254.170.2",
        "169.254.0.1",
        "100.100.100.200",
        "168.63.129.16",
        "192.0.0.192",
        "fe80::1",
        "febf::1",
        "fd00:ec2::254",
        "fd20:ce::254",
        "::ffff:169.254.169.254",
        "::ffff:a9fe:a9fe",
        "::169.254.169.254",
        "64:ff9b::169.254.169.254",
        "2002:a9fe:a9fe::1",
        "2852039166",
        "0xa9fea9fe",
        "0xA9.0xFE.0xA9.0xFE",
        "0251.0376.0251.0376",
        "169.254.43518",
        "169.16689662",
        "metadata.google.internal",
        "Metadata.Google.Internal.",
        "metadata",
        "instance-data.ec2.internal",
    ] {
        assert!(matches!(all.judge_host(host), Err(RefusedAddress::Metadata(_))), "{host}");
    }
}

#[test]
fn what_is_not_of_the_internet_is_asked_by_the_local_server_or_where_it_is_allowed() {
    for host in [
        "127.0.0.1",
        "127.1",
        "0",
        "0.0.0.0",
        "10.1.2.3",
        "100.64.0.1",
        "100.127.255.255",
        "172.16.0.1",
        "172.31.255.255",
        "192.168.1.1",
        "192.0.0.8",
        "198.19.0.1",
        "224.0.0.1",
        "255.255.255.255",
        "::1",
        "::",
        "fc00::1",
        "fdff::1",
        "fec0::1",
        "ff02::1",
        "::ffff:10.0.0.1",
        "64:ff9b::10.0.0.1",
    ] {
        assert!(matches!(open().judge_host(host), Err(RefusedAddress::Inside(_))), "{host}");
        assert_eq!(local().judge_host(host), Ok(()), "{host}");
    }
    for host in ["1.1.1.1", "100.128.0.1", "100.63.255.255", "172.32.0.1", "169.253.0.1", "2606:4700::1111", "hooks.example"] {
        assert_eq!(open().judge_host(host), Ok(()), "{host}");
    }
}

#[test]
fn a_list_allows_ranges_and_names_and_nothing_beside_them() {
    let rule = rule(&["10.1.0.0/16", "fd12::/16", "192.168.1.7", "Hooks.Internal"]);
    for (host, to, is_allowed) in [
        ("a.example", "10.1.255.1", true),
        ("a.example", "10.2.0.1", false),
        ("a.example", "::ffff:10.1.0.1", true),
        ("a.example", "fd12:3::1", true),
        ("a.example", "fd13::1", false),
        ("a.example", "192.168.1.7", true),
        ("a.example", "192.168.1.8", false),
        ("hooks.internal", "192.168.9.9", true),
        ("HOOKS.internal.", "192.168.9.9", true),
        ("x.hooks.internal", "192.168.9.9", false),
    ] {
        assert_eq!(rule.judge(host, address(to)).is_ok(), is_allowed, "{host} {to}");
    }
    assert!(rule.judge("hooks.internal", address("169.254.169.254")).is_err());
    for text in ["", "10.0.0.0/33", "::/129", "10.0.0.0/x", "a/b", "-a", "10.0.0.0/", "1234", "0x7f.1"] {
        assert!(text.parse::<Allowed>().is_err(), "{text}");
    }
}

#[test]
fn the_host_of_a_url_is_found_in_every_notation() {
    for (url, host) in [
        ("https://hooks.example/x", "hooks.example"),
        ("http://user:pass@10.0.0.1:80/x", "10.0.0.1"),
        ("https://[fe80::1]:8080/a", "fe80::1"),
        ("git@git.example:acme/shop.git", "git.example"),
        ("ssh://git@169.254.1.1/a", "169.254.1.1"),
        ("registry.example:5000/a:1", "registry.example"),
        ("https://a?b@c", "a"),
        ("https://a#@c", "a"),
        ("https://a\\@c", "a"),
        ("", ""),
    ] {
        assert_eq!(host_of(url), host, "{url}");
    }
}

proptest! {
    /// The operator's list and the local server change what is inside, and nothing else.
    #[test]
    fn a_rule_never_opens_metadata_and_never_closes_the_internet(bits in any::<u32>(), v6 in any::<u128>(), wide in 0_u8..=32) {
        for address in [IpAddr::V4(bits.into()), IpAddr::V6(v6.into())] {
            let kind = AddressKind::of(address);
            let list = AddressRule { is_local: false, allowed: vec![Allowed::Range { address, bits: wide }] };
            for rule in [open(), local(), list] {
                let judged = rule.judge("a.example", address);
                match kind {
                    AddressKind::Open => prop_assert!(judged.is_ok()),
                    AddressKind::Metadata => prop_assert!(matches!(judged, Err(RefusedAddress::Metadata(_)))),
                    AddressKind::Inside => prop_assert_eq!(judged.is_ok(), rule != open()),
                }
            }
        }
    }

    /// All ways to write an IPv4 address are judged as the address.
    #[test]
    fn an_address_is_the_same_however_it_is_written(bits in any::<u32>()) {
        let v4 = Ipv4Addr::from(bits);
        let [a, b, c, d] = v4.octets();
        let (high, low) = (bits >> 16, bits & 0xffff);
        for written in [
            format!("{v4}"), format!("{bits}"), format!("0x{bits:x}"), format!("0{bits:o}"), format!("0x{a:x}.{b}.{low}"),
            format!("{a}.{}", bits & 0xff_ffff), format!("0{a:o}.0{b:o}.0{c:o}.0{d:o}"),
        ] {
            // The octal zero is written as one zero alone.
            prop_assert_eq!(literal(&written), Some(IpAddr::V4(v4)), "{}", written);
        }
        for clothes in [format!("::ffff:{v4}"), format!("64:ff9b::{v4}"), format!("2002:{high:x}:{low:x}::5")] {
            prop_assert_eq!(AddressKind::of(address(&clothes)), AddressKind::of(IpAddr::V4(v4)), "{}", clothes);
        }
    }

    #[test]
    fn any_text_has_a_host_and_is_judged(text in any::<String>()) {
        let _ = (open().judge_host(host_of(&text)), text.parse::<Allowed>());
    }
}
