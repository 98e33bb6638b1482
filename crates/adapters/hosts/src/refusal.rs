//! Why a delivery is not taken.

/// Why a delivery is not taken. No text of it holds the secret, nor a value of the body.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// The body is too large to be read.
    #[error("the body is larger than {} MiB", crate::LARGEST >> 20)]
    TooLarge,
    /// Nothing proves who sent it.
    #[error("the header `{header}` is missing: set the webhook's secret in the git host")]
    SignatureMissing {
        /// Where the proof was expected.
        header: &'static str,
    },
    /// What should prove who sent it does not.
    #[error(
        "the header `{header}` does not fit the body and the secret: the git host has another secret, or the body was changed"
    )]
    SignatureWrong {
        /// Where the proof stands.
        header: &'static str,
    },
    /// It has no id, or one that is none.
    #[error("the header `{header}` is missing, or is no id of a delivery")]
    DeliveryMissing {
        /// Where the id was expected.
        header: &'static str,
    },
    /// The body is in a form that is not read.
    #[error("the content type is not `{expected}`: set it in the webhook of the git host")]
    ContentType {
        /// What is read.
        expected: &'static str,
    },
    /// The body is no JSON.
    #[error("the body is no JSON")]
    NotJson,
    /// The body is JSON, but not what the host documents.
    #[error("`{field}` {problem}")]
    Malformed {
        /// The field, by its path, or the header.
        field: String,
        /// What is wrong with it.
        problem: &'static str,
    },
}

impl Refusal {
    /// A word for it that stays.
    pub fn code(&self) -> &'static str {
        match self {
            Self::TooLarge => "too-large",
            Self::SignatureMissing { .. } => "signature-missing",
            Self::SignatureWrong { .. } => "signature-wrong",
            Self::DeliveryMissing { .. } => "delivery-missing",
            Self::ContentType { .. } => "content-type",
            Self::NotJson => "not-json",
            Self::Malformed { .. } => "malformed",
        }
    }

    pub(crate) fn malformed(field: impl Into<String>, problem: &'static str) -> Self {
        Self::Malformed { field: field.into(), problem }
    }
}
