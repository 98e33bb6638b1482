//! A delivery from its bytes to what it tells.

use sha2::{Digest as _, Sha256};
use slipway_core::auto_deploy::Notice;
use slipway_ports::SecretText;

use crate::host::Host;
use crate::refusal::Refusal;
use crate::{bitbucket_cloud, bitbucket_data_center, content, gitea, github, gitlab, signature};

/// The largest body that is read; GitHub sends none that is larger.
pub const LARGEST: usize = 25 << 20;

/// The longest id of a delivery and name of an event, in bytes.
const LONGEST_ID: usize = 128;

/// Headers by their names in lower case.
pub(crate) type Headers<'h> = dyn Fn(&str) -> Option<&'h str> + 'h;

/// A delivery that is what it says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Received {
    /// The host's id of it: the same when the host posts it again.
    pub delivery: String,
    /// The event by the host's name for it.
    pub event: String,
    /// What it tells; one push to Bitbucket may move many branches.
    pub notices: Vec<Notice>,
}

/// Reads what a host posted. Headers are asked for by their names in lower case.
///
/// The order is: the size, who sent it, the id, the content type, the JSON, the event. Nothing of the body is read before it is
/// known to be the host's.
///
/// # Errors
/// The first thing that is wrong, in that order.
pub fn receive<'h>(
    host: Host,
    secret: &SecretText,
    headers: &(dyn Fn(&str) -> Option<&'h str> + 'h),
    body: &[u8],
) -> Result<Received, Refusal> {
    if body.len() > LARGEST {
        return Err(Refusal::TooLarge);
    }
    signature::verify(host, secret, headers, body)?;
    let delivery = delivery(host, headers, body)?;
    let json = content::json(host, headers, body)?;
    let event = event(host, headers)?;
    let notices = match host {
        Host::GitHub => github::read(&event, &json),
        Host::GitLab => gitlab::read(&event, &json),
        Host::Gitea => gitea::read(&event, &json),
        Host::BitbucketCloud => bitbucket_cloud::read(&event, &json),
        Host::BitbucketDataCenter => bitbucket_data_center::read(&event, &json),
    }?;
    Ok(Received { delivery, event, notices })
}

/// Whether a text can be the id of a delivery.
pub(crate) fn is_id(id: &str) -> bool {
    (1..=LONGEST_ID).contains(&id.len()) && id.bytes().all(|byte| byte.is_ascii_graphic())
}

fn delivery(host: Host, headers: &Headers<'_>, body: &[u8]) -> Result<String, Refusal> {
    let known = host.delivery_headers();
    if let Some((header, id)) = known.iter().find_map(|header| Some((*header, headers(header)?))) {
        return if is_id(id) { Ok(id.to_owned()) } else { Err(Refusal::DeliveryMissing { header }) };
    }
    match host {
        // Before 17.4 GitLab has one id for an event and for those that follow from it; the body tells them apart.
        Host::GitLab => {
            let header = "x-gitlab-event-uuid";
            let id = headers(header).filter(|id| is_id(id)).ok_or(Refusal::DeliveryMissing { header })?;
            let digest: String = Sha256::digest(body).iter().take(8).map(|byte| format!("{byte:02x}")).collect();
            Ok(format!("{id}-{digest}"))
        }
        Host::GitHub | Host::Gitea | Host::BitbucketCloud | Host::BitbucketDataCenter => {
            Err(Refusal::DeliveryMissing { header: known.first().copied().unwrap_or_default() })
        }
    }
}

fn event(host: Host, headers: &Headers<'_>) -> Result<String, Refusal> {
    let known = host.event_headers();
    let event = known.iter().find_map(|header| headers(header));
    let is_name = |event: &&str| {
        (1..=LONGEST_ID).contains(&event.len()) && event.bytes().all(|byte| byte.is_ascii_graphic() || byte == b' ')
    };
    let name = event.filter(is_name).map(str::to_owned);
    name.ok_or_else(|| Refusal::malformed(known.first().copied().unwrap_or_default(), "is missing, or is no name of an event"))
}
