//! The way out of a command that installs packages: a proxy through which package registries are
//! reached, and nothing else.
//!
//! The command stands in a network of its own that has loopback alone. A door is opened there, and
//! whoever knocks is answered from outside: a host that may be reached is looked up, its address
//! is judged, and that very address is called. What is said then is between the two of them; who
//! is asked for is decided here, and told.

mod address;
mod answer;
mod dial;
mod inside;
mod keep;
mod ledger;
mod metered;
mod places;
mod registries;
mod secrets;
mod settings;
#[cfg(test)]
mod tests;
mod upstream;

pub(crate) use inside::{hide_proxies, lead_to_door};
pub(crate) use keep::keep;
pub(crate) use ledger::Ledger;
pub use ledger::{Refusal, Traffic, Why};
pub(crate) use secrets::Trusted;
pub(crate) use settings::{FILES, Form, Said, is_registry_variable};

use serde::{Deserialize, Serialize};

use self::{
    address::Lookup,
    places::{Place, Standing},
    settings::Settings,
    upstream::{Way, Ways},
};

/// Where a command that installs packages may go, and how one gets there.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub(crate) struct WayOut {
    /// Places that the operator, or the user's own settings, name beside the known registries.
    named: Vec<Place>,
    /// Proxies that stand between this machine and the world.
    ways: Ways,
    /// How names become addresses.
    #[serde(skip)]
    lookup: Lookup,
}

impl WayOut {
    /// Of what the operator names, and of what the user's own settings say.
    pub(crate) fn new(registries: &[String], said: &Said) -> Self {
        let settings = Settings::of(said);
        let ways = Ways::of(&settings);
        let texts = registries.iter().map(String::as_str);
        let mut named: Vec<Place> = texts.filter_map(Place::parse).collect();
        // A proxy is a way, never a place: through it everything could be reached.
        let registries = settings.registries.iter();
        let registries = registries.filter_map(|text| Place::parse(text));
        named.extend(registries.filter(|place| !ways.is_one(place)));
        named.sort();
        named.dedup();
        Self {
            named,
            ways,
            lookup: Lookup::default(),
        }
    }

    /// How a host stands here; why not, where it may not be reached.
    fn judge(&self, host: &str, port: u16) -> Result<Standing, Why> {
        let fits = |place: &&Place| place.is_host(host);
        let mut fitting = self.named.iter().filter(fits).peekable();
        let is_named = fitting.peek().is_some();
        if fitting.any(|place| place.is_port(port)) {
            return Ok(Standing::Named);
        }
        let known = registries::is_known(host);
        match (known || is_named, known && places::is_usual(port)) {
            (_, true) => Ok(Standing::Known),
            (true, false) => Err(Why::Port),
            (false, false) => Err(Why::NotNamed),
        }
    }

    /// The way to a host: a proxy, or none.
    fn way(&self, encrypted: bool, host: &str, port: u16) -> Option<&Way> {
        self.ways.to(encrypted, host, port)
    }

    /// Whether a command has to ask for this name through the door although it is usually its own.
    fn is_elsewhere(&self, own: &str) -> bool {
        self.named.iter().any(|place| place.is_host(own))
    }
}
