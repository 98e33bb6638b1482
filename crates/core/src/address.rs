//! Which addresses a URL of a user's may lead this server to.
//!
//! Addresses that tell a machine of a cloud who it is, and give it credentials, are never asked. Addresses that are not of the open
//! internet are asked by a server that is its user's own, or where its operator allows it: else whoever may name a URL could reach
//! what only the server reaches. A name says nothing: every address that it stands for is judged, and the connection goes to a judged one.

use std::error::Error;
use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::str::FromStr;

/// Names of services that tell a machine of a cloud who it is.
const METADATA_NAMES: [&str; 6] = [
    "metadata",
    "metadata.goog",
    "metadata.google.internal",
    "metadata.azure.internal",
    "instance-data",
    "instance-data.ec2.internal",
];

/// What an address is to this server.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AddressKind {
    /// A service that tells a machine of a cloud who it is, or one of the link alone, where such services are.
    Metadata,
    /// Of this machine, of a private network, or of no single machine.
    Inside,
    /// Of the open internet.
    Open,
}

impl AddressKind {
    /// The kind of an address, whatever way it is written in.
    pub fn of(address: IpAddr) -> Self {
        match plain(address) {
            IpAddr::V4(address) => of_v4(address),
            IpAddr::V6(address) => of_v6(address),
        }
    }
}

/// IPv4 in the clothes of IPv6 as IPv4: mapped, compatible, translated (NAT64) and tunneled (6to4).
fn plain(address: IpAddr) -> IpAddr {
    let IpAddr::V6(v6) = address else { return address };
    let all = v6.segments();
    let v4 = |high: u16, low: u16| IpAddr::V4(Ipv4Addr::from(u32::from(high) << 16 | u32::from(low)));
    match (&all[..6], all[6], all[7]) {
        ([0, 0, 0, 0, 0, 0], 0, 0 | 1) => address,
        ([0, 0, 0, 0, 0, 0 | 0xffff] | [0x64, 0xff9b, 0, 0, 0, 0] | [0, 0, 0, 0, 0xffff, 0], high, low) => v4(high, low),
        ([0x2002, high, low, ..], ..) => v4(*high, *low),
        _ => address,
    }
}

fn of_v4(address: Ipv4Addr) -> AddressKind {
    let [a, b, c, d] = address.octets();
    match (a, b, c, d) {
        // Azure's and Oracle's lie outside of the link.
        (169, 254, ..) | (100, 100, 100, 200) | (168, 63, 129, 16) | (192, 0, 0, 192) => AddressKind::Metadata,
        (0 | 10 | 127 | 224..=255, ..)
        | (100, 64..=127, ..)
        | (172, 16..=31, ..)
        | (192, 168, ..)
        | (192, 0, 0, _)
        | (198, 18..=19, ..) => AddressKind::Inside,
        _ => AddressKind::Open,
    }
}

fn of_v6(address: Ipv6Addr) -> AddressKind {
    let aws = Ipv6Addr::new(0xfd00, 0xec2, 0, 0, 0, 0, 0, 0x254);
    let google = Ipv6Addr::new(0xfd20, 0xce, 0, 0, 0, 0, 0, 0x254);
    let first = address.segments()[0];
    if address == aws || address == google || first & 0xffc0 == 0xfe80 {
        AddressKind::Metadata
    } else if address.is_unspecified()
        || address.is_loopback()
        || address.is_multicast()
        || first & 0xfe00 == 0xfc00
        || first & 0xffc0 == 0xfec0
    {
        AddressKind::Inside
    } else {
        AddressKind::Open
    }
}

/// What the operator of a server allows.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct AddressRule {
    /// Whether the server is reached from its own machine alone, so that whoever uses it may reach what it reaches.
    pub is_local: bool,
    /// What is not of the open internet and may be asked all the same.
    pub allowed: Vec<Allowed>,
}

/// A place that is not of the open internet, and may be asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Allowed {
    /// Every address that begins as this one does.
    Range {
        /// The first address.
        address: IpAddr,
        /// How many bits of it count.
        bits: u8,
    },
    /// The addresses of a host, when it is named so.
    Host(String),
}

/// Why a place is not asked.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RefusedAddress {
    /// It tells a machine of a cloud who it is.
    #[error("{0} is a metadata address, and those are never asked")]
    Metadata(String),
    /// It is not of the open internet.
    #[error("{0} is not of the open internet; the operator of the server can allow it with `--allow-address`")]
    Inside(String),
}

impl RefusedAddress {
    /// The one that an error of a client comes from, if it does.
    pub fn behind(error: &dyn Error) -> Option<&Self> {
        let mut cause = error.source();
        while let Some(error) = cause {
            if let Some(refused) = error.downcast_ref() {
                return Some(refused);
            }
            cause = error.source();
        }
        None
    }
}

impl AddressRule {
    /// Whether the host of a URL may be asked, as far as it tells by itself: a name may still stand for addresses that may not.
    pub fn judge_host(&self, host: &str) -> Result<(), RefusedAddress> {
        let name = host.trim_end_matches('.').to_ascii_lowercase();
        if METADATA_NAMES.contains(&name.as_str()) {
            return Err(RefusedAddress::Metadata(host.to_owned()));
        }
        literal(&name).map_or(Ok(()), |address| self.judge(&name, address))
    }

    /// Whether an address that a host stands for may be asked.
    pub fn judge(&self, host: &str, address: IpAddr) -> Result<(), RefusedAddress> {
        let shown = || if literal(host) == Some(address) { host.to_owned() } else { format!("{host} is {address}, which") };
        match AddressKind::of(address) {
            AddressKind::Metadata => Err(RefusedAddress::Metadata(shown())),
            AddressKind::Inside if self.is_local || self.allowed.iter().any(|allowed| allowed.covers(host, address)) => Ok(()),
            AddressKind::Inside => Err(RefusedAddress::Inside(shown())),
            AddressKind::Open => Ok(()),
        }
    }
}

impl Allowed {
    fn covers(&self, host: &str, address: IpAddr) -> bool {
        match self {
            Self::Host(name) => host.trim_end_matches('.').eq_ignore_ascii_case(name),
            Self::Range { address: first, bits } => match (plain(*first), plain(address)) {
                (IpAddr::V4(first), IpAddr::V4(address)) => begins_alike(first.to_bits(), address.to_bits(), 32, *bits),
                (IpAddr::V6(first), IpAddr::V6(address)) => begins_alike(first.to_bits(), address.to_bits(), 128, *bits),
                (IpAddr::V4(_), IpAddr::V6(_)) | (IpAddr::V6(_), IpAddr::V4(_)) => false,
            },
        }
    }
}

fn begins_alike(one: impl Into<u128>, other: impl Into<u128>, width: u32, bits: u8) -> bool {
    let behind = width.saturating_sub(u32::from(bits));
    let head = |number: u128| number.checked_shr(behind).unwrap_or(0);
    head(one.into()) == head(other.into())
}

/// Why a text allows nothing.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is neither a range nor a host: expected such as `10.0.0.0/8`, `192.168.1.7`, `fd00::/8` or `hooks.internal`")]
pub struct InvalidAllowed(String);

impl FromStr for Allowed {
    type Err = InvalidAllowed;

    fn from_str(text: &str) -> Result<Self, InvalidAllowed> {
        let refuse = || InvalidAllowed(text.chars().take(200).collect());
        let (address, bits) = text.split_once('/').map_or((text, None), |(address, bits)| (address, Some(bits)));
        if let Ok(address) = address.parse::<IpAddr>() {
            let width = if address.is_ipv4() { 32 } else { 128 };
            let bits = bits.map_or(Ok(width), str::parse).map_err(|_| refuse())?;
            return if bits <= width { Ok(Self::Range { address, bits }) } else { Err(refuse()) };
        }
        let name = text.trim_end_matches('.').to_ascii_lowercase();
        // A number that is no address would be one for some, and another for others.
        let is_name = crate::file::is_host_name(&name) && literal(&name).is_none();
        if is_name { Ok(Self::Host(name)) } else { Err(refuse()) }
    }
}

impl fmt::Display for Allowed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Range { address, bits } => write!(f, "{address}/{bits}"),
            Self::Host(name) => f.write_str(name),
        }
    }
}

/// Refuses a URL, or the name of an image, whose host tells a machine of a cloud who it is. Whether the server may ask another one is its
/// operator's word.
pub(crate) fn refuse_metadata(url: &str) -> Result<(), String> {
    let anywhere = AddressRule { is_local: true, allowed: Vec::new() };
    anywhere.judge_host(host_of(url)).map_err(|refused| refused.to_string())
}

/// The host of a URL, also of one that only git or a registry takes: without user, port and brackets.
pub fn host_of(url: &str) -> &str {
    let rest = url.split_once("://").map_or(url, |(_, rest)| rest);
    let authority = rest.split(['/', '?', '#', '\\']).next().unwrap_or_default();
    let host = authority.rsplit_once('@').map_or(authority, |(_, host)| host);
    let inside = host.strip_prefix('[').map_or_else(|| host.split(':').next(), |address| address.split(']').next());
    inside.unwrap_or_default()
}

/// The address that a host is written as, in every way that programs read one: `127.1`, `0x7f000001` and `017700000001` are one.
pub fn literal(host: &str) -> Option<IpAddr> {
    if let Ok(address) = host.parse() {
        return Some(address);
    }
    let numbers: Option<Vec<u32>> = host.split('.').map(number).collect();
    let (last, first) = numbers.as_ref()?.split_last()?;
    // The last number fills all the bytes that are left.
    let bits_left = 32_u32.checked_sub(8 * u32::try_from(first.len()).ok()?).filter(|bits| *bits > 0)?;
    if first.iter().any(|part| *part > 255) || u64::from(*last) >> bits_left != 0 {
        return None;
    }
    let head = first.iter().fold(0_u64, |sum, part| sum << 8 | u64::from(*part));
    u32::try_from(head << bits_left | u64::from(*last)).ok().map(|bits| IpAddr::V4(Ipv4Addr::from(bits)))
}

/// A number of an address: hex, octal or decimal. Without digits behind `0x` it is 0, as browsers have it.
fn number(text: &str) -> Option<u32> {
    let of = |digits: &str, radix| {
        let is_digits = digits.chars().all(|digit| digit.is_digit(radix));
        is_digits.then(|| if digits.is_empty() { Ok(0) } else { u32::from_str_radix(digits, radix) })?.ok()
    };
    match text.strip_prefix("0x").or_else(|| text.strip_prefix("0X")) {
        Some(digits) => of(digits, 16),
        None if text.is_empty() => None,
        None => text.strip_prefix('0').filter(|rest| !rest.is_empty()).map_or_else(|| of(text, 10), |digits| of(digits, 8)),
    }
}

#[cfg(test)]
mod tests;
