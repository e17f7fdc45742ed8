//! The cache of build steps' results that machines share: the operator's word, never that of a file
//! a command could change, for what it gives is believed.

use std::sync::Arc;

use atelier_build::Sharing;
use atelier_remote::{Address, SharedCache};

use super::{Config, ConfigError, Origin, Sources};

/// The key of its address.
pub(crate) const ADDRESS: &str = "shared_cache";
/// The key of whether results are put in.
pub(crate) const WRITE: &str = "shared_cache_write";
/// The variable of the token that it wants.
const TOKEN: &str = "ATELIER_SHARED_CACHE_TOKEN";

/// The cache, where one is set. Must be called within a runtime.
pub(crate) fn sharing(
    config: &Config,
    sources: &Sources,
) -> Result<Option<Arc<Sharing>>, ConfigError> {
    let set = |key: &str| {
        let entry = config.get(key)?;
        (!matches!(entry.origin, Origin::Project(_))).then_some(entry)
    };
    let Some(entry) = set(ADDRESS) else {
        return Ok(None);
    };
    let text = entry.value.as_str().unwrap_or_default();
    let token = sources.variables.get(TOKEN).map(String::as_str);
    let address = Address::parse(text, token).map_err(|_| ConfigError::Value {
        key: ADDRESS.to_owned(),
        origin: entry.origin.clone(),
        wanted: "an address such as grpc://cache.example:9092/INSTANCE, or grpcs:// where the \
                 connection is encrypted",
        found: text.to_owned(),
    })?;
    let write = set(WRITE).and_then(|entry| entry.value.as_bool());
    let cache = SharedCache::new(&address);
    Ok(Some(Arc::new(Sharing::new(cache, write.unwrap_or(false)))))
}
