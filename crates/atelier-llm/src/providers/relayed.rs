//! Where requests of other programs go: the dialect, the address and the headers of a route.

use reqwest::Client;
use url::Url;

use crate::{
    GatewayError, ProviderEntry, Route, Transport,
    gateway::known_entry,
    providers::{
        anthropic, azure, compatible, endpoint, gemini, hosted, offline, openai, responses,
    },
    relay::Dialect,
};

/// A route as the relay uses it.
#[derive(Debug, Clone)]
pub(crate) struct Relayed {
    /// The settings.
    pub(crate) route: Route,
    /// The dialect that is spoken there.
    pub(crate) dialect: Dialect,
    /// The headers, with the key.
    pub(crate) headers: hosted::Headers,
    /// What sends requests.
    pub(crate) client: Client,
    /// How the limit of an answer's tokens is called there.
    pub(crate) limit_name: &'static str,
    /// Whether the token counts of a stream must be asked for.
    pub(crate) asks_counts: bool,
    /// Whether nobody is answered there without a key.
    pub(crate) needs_key: bool,
    entry: &'static ProviderEntry,
    /// The addresses of a question to the model of the settings: for a whole answer, and for one
    /// piece by piece.
    usual: [Url; 2],
}

impl Relayed {
    /// Prepares a route; `None` where there is no server behind it.
    pub(crate) fn new(route: &Route, transport: &Transport) -> Result<Option<Self>, GatewayError> {
        let entry = known_entry(route)?;
        if entry.name == offline::NAME {
            return Ok(None);
        }
        let dialect = dialect(entry);
        let url = address(route, entry, dialect, false)?;
        let streamed = address(route, entry, dialect, true)?;
        let mut headers = key_header(entry).headers(route)?;
        if dialect == Dialect::Messages {
            headers.insert(anthropic::VERSION_HEADER, anthropic::VERSION);
        }
        let is_named_newly = [openai::ENTRY.name, azure::ENTRY.name].contains(&entry.name);
        let needs_key = entry.needs_key && hosted::is_usual(entry, &url);
        Ok(Some(Self {
            dialect,
            headers,
            client: transport.client(&url)?,
            limit_name: match dialect {
                Dialect::Chat if is_named_newly => "max_completion_tokens",
                Dialect::Chat | Dialect::Completions | Dialect::Messages => "max_tokens",
                Dialect::Responses => "max_output_tokens",
                Dialect::Gemini => "maxOutputTokens",
            },
            asks_counts: entry.name != super::mistral::ENTRY.name,
            needs_key,
            route: route.clone(),
            entry,
            usual: [url, streamed],
        }))
    }

    /// The address of a question to a model.
    pub(crate) fn url(&self, model: &str, stream: bool) -> Result<Url, GatewayError> {
        if model == self.route.model {
            return Ok(self.usual[usize::from(stream)].clone());
        }
        let mut route = self.route.clone();
        model.clone_into(&mut route.model);
        address(&route, self.entry, self.dialect, stream)
    }

    /// The address of something else at the same server, such as `embeddings`.
    pub(crate) fn beside(&self, segments: &[String]) -> Result<Url, GatewayError> {
        let version = match self.dialect {
            Dialect::Gemini => gemini::VERSION,
            Dialect::Chat | Dialect::Completions | Dialect::Responses | Dialect::Messages => {
                endpoint::VERSION
            }
        };
        let segments: Vec<&str> = segments.iter().map(String::as_str).collect();
        Ok(endpoint::addresses(&self.route, self.entry, version, &segments)?.0)
    }
}

fn dialect(entry: &ProviderEntry) -> Dialect {
    let name = entry.name;
    if name == anthropic::ENTRY.name {
        Dialect::Messages
    } else if name == gemini::ENTRY.name {
        Dialect::Gemini
    } else if name == responses::ENTRY.name {
        Dialect::Responses
    } else {
        Dialect::Chat
    }
}

fn key_header(entry: &ProviderEntry) -> hosted::KeyHeader {
    let name = entry.name;
    if name == anthropic::ENTRY.name {
        hosted::KeyHeader::named("x-api-key")
    } else if name == gemini::ENTRY.name {
        gemini::KEY
    } else if name == azure::ENTRY.name {
        hosted::KeyHeader::named("api-key")
    } else {
        hosted::KeyHeader::BEARER
    }
}

fn address(
    route: &Route,
    entry: &ProviderEntry,
    dialect: Dialect,
    stream: bool,
) -> Result<Url, GatewayError> {
    let version = endpoint::VERSION;
    let addresses = match dialect {
        Dialect::Chat if entry.name == azure::ENTRY.name => azure::addresses(route, entry)?,
        Dialect::Chat => endpoint::addresses(route, entry, version, compatible::SEGMENTS)?,
        Dialect::Completions => endpoint::addresses(route, entry, version, &["completions"])?,
        Dialect::Responses => endpoint::addresses(route, entry, version, &["responses"])?,
        Dialect::Messages => endpoint::addresses(route, entry, version, &["messages"])?,
        Dialect::Gemini => {
            let streamed = Route {
                stream,
                ..route.clone()
            };
            let question = gemini::question(&streamed);
            let segments = ["models", question.as_str()];
            endpoint::addresses(route, entry, gemini::VERSION, &segments)?
        }
    };
    let mut url = addresses.0;
    if dialect == Dialect::Gemini && stream {
        url.query_pairs_mut().append_pair("alt", "sse");
    }
    Ok(url)
}
