//! What a span is: the types of personal data and of secrets.

use std::fmt;

use serde::Deserialize;

/// What a span of text is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Kind {
    /// An e-mail address.
    Email,
    /// A telephone number.
    Phone,
    /// An international bank account number.
    Iban,
    /// The number of a payment card.
    CreditCard,
    /// A social security number of the United States.
    UsSsn,
    /// A number by which a state or its tax office knows a person.
    NationalId,
    /// An address of the Internet Protocol that belongs to someone.
    IpAddress,
    /// The hardware address of a network interface.
    MacAddress,
    /// The address of a cryptocurrency wallet.
    Crypto,
    /// The name of a person.
    Person,
    /// A postal address.
    Address,
    /// The day a person was born.
    DateOfBirth,
    /// A key or token by which a program is let in.
    ApiKey,
    /// The private half of a key pair.
    PrivateKey,
    /// A JSON Web Token.
    Jwt,
    /// A password.
    Password,
    /// The password inside an address such as `postgres://user:password@host`.
    UrlCredential,
}

impl Kind {
    /// Every kind, personal data first.
    pub const ALL: &'static [Self] = &[
        Self::Email,
        Self::Phone,
        Self::Iban,
        Self::CreditCard,
        Self::UsSsn,
        Self::NationalId,
        Self::IpAddress,
        Self::MacAddress,
        Self::Crypto,
        Self::Person,
        Self::Address,
        Self::DateOfBirth,
        Self::ApiKey,
        Self::PrivateKey,
        Self::Jwt,
        Self::Password,
        Self::UrlCredential,
    ];

    /// The name in output and in placeholders.
    pub fn name(self) -> &'static str {
        match self {
            Self::Email => "EMAIL",
            Self::Phone => "PHONE",
            Self::Iban => "IBAN",
            Self::CreditCard => "CREDIT_CARD",
            Self::UsSsn => "US_SSN",
            Self::NationalId => "NATIONAL_ID",
            Self::IpAddress => "IP_ADDRESS",
            Self::MacAddress => "MAC_ADDRESS",
            Self::Crypto => "CRYPTO",
            Self::Person => "PERSON",
            Self::Address => "ADDRESS",
            Self::DateOfBirth => "DATE_OF_BIRTH",
            Self::ApiKey => "API_KEY",
            Self::PrivateKey => "PRIVATE_KEY",
            Self::Jwt => "JWT",
            Self::Password => "PASSWORD",
            Self::UrlCredential => "URL_CREDENTIAL",
        }
    }

    /// Whether it lets someone in, as against telling something about a person.
    pub fn is_secret(self) -> bool {
        match self {
            Self::ApiKey | Self::PrivateKey | Self::Jwt | Self::Password | Self::UrlCredential => {
                true
            }
            Self::Email
            | Self::Phone
            | Self::Iban
            | Self::CreditCard
            | Self::UsSsn
            | Self::NationalId
            | Self::IpAddress
            | Self::MacAddress
            | Self::Crypto
            | Self::Person
            | Self::Address
            | Self::DateOfBirth => false,
        }
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}
