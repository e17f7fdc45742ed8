//! One cache: results by key, contents by digest.

use std::{
    collections::{BTreeMap, HashMap},
    fmt,
    time::Duration,
};

use atelier_model::Digest;
use bazel_remote_apis::{
    build::bazel::remote::execution::v2::{
        GetActionResultRequest, UpdateActionResultRequest, action_cache_client::ActionCacheClient,
        content_addressable_storage_client::ContentAddressableStorageClient, digest_function,
    },
    google::bytestream::byte_stream_client::ByteStreamClient,
};
use tonic::{
    Code, Request, Status,
    metadata::{Ascii, MetadataValue},
    service::{Interceptor, interceptor::InterceptedService},
    transport::{Channel, ClientTlsConfig, Endpoint},
};

use crate::{
    AddressError, Content, Shared, SharedCacheError,
    action::{address, named, parts, result},
    contents::{CONTENT_BYTES_MAX, refused},
};

/// Time until a connection stands.
const CONNECT_MAX: Duration = Duration::from_secs(1);
/// Time for one call.
const CALL_MAX: Duration = Duration::from_secs(20);
/// Bytes of one answer.
const ANSWER_BYTES_MAX: usize = 8 * 1024 * 1024;

/// The digests of every message.
pub(crate) const SHA256: i32 = digest_function::Value::Sha256 as i32;

/// Where a cache is, and who asks it.
#[derive(Clone)]
pub struct Address {
    endpoint: Endpoint,
    instance: String,
    token: Option<MetadataValue<Ascii>>,
}

impl Address {
    /// Reads `grpc://HOST:PORT` or, encrypted, `grpcs://HOST:PORT`, with the name of an instance behind
    /// it where the server has several, and the token that the server wants.
    pub fn parse(text: &str, token: Option<&str>) -> Result<Self, AddressError> {
        let (scheme, rest) = match text.split_once("://") {
            Some(("grpc", rest)) => ("http", rest),
            Some(("grpcs", rest)) => ("https", rest),
            Some(_) | None => return Err(AddressError::Scheme(text.to_owned())),
        };
        let (host, instance) = rest.split_once('/').unwrap_or((rest, ""));
        let unread = || AddressError::Host(text.to_owned());
        if host.is_empty() {
            return Err(unread());
        }
        let mut endpoint = Endpoint::from_shared(format!("{scheme}://{host}"))
            .map_err(|_| unread())?
            .connect_timeout(CONNECT_MAX)
            .timeout(CALL_MAX);
        if scheme == "https" {
            let tls = ClientTlsConfig::new().with_native_roots();
            endpoint = endpoint.tls_config(tls).map_err(|_| unread())?;
        }
        let token = token
            .map(|token| format!("Bearer {token}").parse())
            .transpose()
            .map_err(|_| AddressError::Token)?;
        Ok(Self {
            endpoint,
            instance: instance.trim_end_matches('/').to_owned(),
            token,
        })
    }
}

/// Says with every call who asks.
#[derive(Clone)]
pub(crate) struct Asker(Option<MetadataValue<Ascii>>);

impl Interceptor for Asker {
    fn call(&mut self, mut request: Request<()>) -> Result<Request<()>, Status> {
        if let Some(token) = &self.0 {
            let name = "authorization";
            request.metadata_mut().insert(name, token.clone());
        }
        Ok(request)
    }
}

type Door = InterceptedService<Channel, Asker>;

/// The services of a cache.
#[derive(Clone)]
pub(crate) struct Doors {
    pub(crate) instance: String,
    pub(crate) results: ActionCacheClient<Door>,
    pub(crate) contents: ContentAddressableStorageClient<Door>,
    pub(crate) streams: ByteStreamClient<Door>,
}

/// A cache of results on another machine. Cloning is cheap; all clones share a connection, which is
/// made when something is asked for the first time.
#[derive(Clone)]
pub struct SharedCache {
    doors: Doors,
}

impl fmt::Debug for SharedCache {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SharedCache")
            .field("instance", &self.doors.instance)
            .finish_non_exhaustive()
    }
}

impl SharedCache {
    /// The cache at an address; nothing is connected yet. Must be called within a runtime of tokio.
    pub fn new(address: &Address) -> Self {
        let channel = address.endpoint.connect_lazy();
        let door = || InterceptedService::new(channel.clone(), Asker(address.token.clone()));
        let contents = ContentAddressableStorageClient::new(door());
        Self {
            doors: Doors {
                instance: address.instance.clone(),
                results: ActionCacheClient::new(door()).max_decoding_message_size(ANSWER_BYTES_MAX),
                contents: contents.max_decoding_message_size(ANSWER_BYTES_MAX),
                streams: ByteStreamClient::new(door()).max_decoding_message_size(ANSWER_BYTES_MAX),
            },
        }
    }

    /// The result under a key: its record, and which contents belong to it. `None` where there is none,
    /// or one that is not of our form.
    pub async fn find(&self, key: &Digest) -> Result<Option<Shared>, SharedCacheError> {
        let request = GetActionResultRequest {
            instance_name: self.doors.instance.clone(),
            action_digest: Some(address(&named(key).action)),
            digest_function: SHA256,
            ..GetActionResultRequest::default()
        };
        let found = match self.doors.results.clone().get_action_result(request).await {
            Ok(found) => found.into_inner(),
            Err(status) if status.code() == Code::NotFound => return Ok(None),
            Err(status) => return Err(refused("ask the cache for a result")(status)),
        };
        let Some((record_at, contents)) = parts(&found) else {
            return Ok(None);
        };
        let mut record = Vec::new();
        let take = |_: &_, bytes| {
            record = bytes;
            Ok(())
        };
        self.doors.read(vec![record_at], take).await?;
        Ok(Some(Shared { record, contents }))
    }

    /// Takes contents of a result out of the cache; each is handed over with the digest that it must
    /// have in the local store.
    pub async fn read(
        &self,
        contents: &[Content],
        mut take: impl FnMut(&Digest, Vec<u8>) -> Result<(), SharedCacheError>,
    ) -> Result<(), SharedCacheError> {
        let mut local: HashMap<&str, Vec<Digest>> = HashMap::new();
        let mut wanted = Vec::new();
        for Content { digest, address } in contents {
            let digests = local.entry(&address.hash).or_default();
            if digests.is_empty() {
                wanted.push(address.clone());
            }
            digests.push(*digest);
        }
        self.doors
            .read(wanted, |address, bytes| {
                for digest in local.get(address.hash.as_str()).into_iter().flatten() {
                    take(digest, bytes.clone())?;
                }
                Ok(())
            })
            .await
    }

    /// Puts a result into the cache, after everything that belongs to it; `read` brings a content of
    /// the local store. `false` where it is too large to be shared.
    pub async fn keep(
        &self,
        key: &Digest,
        record: Vec<u8>,
        contents: &[Digest],
        read: impl Fn(&Digest) -> Option<Vec<u8>>,
    ) -> Result<bool, SharedCacheError> {
        let mut addressed = Vec::with_capacity(contents.len());
        for digest in contents {
            let bytes = read(digest).ok_or(SharedCacheError::Unread(*digest))?;
            let address = address(&bytes);
            if address.size_bytes > CONTENT_BYTES_MAX {
                return Ok(false);
            }
            let digest = *digest;
            addressed.push(Content { digest, address });
        }
        let result = result(&record, &addressed);
        let named = named(key);
        let action = address(&named.action);
        let own: BTreeMap<String, Vec<u8>> = [record, named.action, named.command, named.folder]
            .into_iter()
            .map(|bytes| (address(&bytes).hash, bytes))
            .collect();
        let local: HashMap<&str, &Digest> = addressed
            .iter()
            .map(|one| (one.address.hash.as_str(), &one.digest))
            .collect();
        let mut all: Vec<_> = own.values().map(|bytes| address(bytes)).collect();
        all.extend(addressed.iter().map(|one| one.address.clone()));
        let mut waiting = Vec::new();
        let mut bytes_waiting = 0;
        for address in self.doors.missing(all).await? {
            let hash = address.hash.as_str();
            let stored = || read(local.get(hash)?);
            let Some(bytes) = own.get(hash).cloned().or_else(stored) else {
                continue;
            };
            bytes_waiting += bytes.len();
            waiting.push((address, bytes));
            // Not all contents of a large result have to be in memory at once.
            if bytes_waiting > ANSWER_BYTES_MAX {
                self.doors.write(std::mem::take(&mut waiting)).await?;
                bytes_waiting = 0;
            }
        }
        self.doors.write(waiting).await?;
        let request = UpdateActionResultRequest {
            instance_name: self.doors.instance.clone(),
            action_digest: Some(action),
            action_result: Some(result),
            digest_function: SHA256,
            ..UpdateActionResultRequest::default()
        };
        let kept = self
            .doors
            .results
            .clone()
            .update_action_result(request)
            .await;
        kept.map_err(refused("put a result into the cache"))?;
        Ok(true)
    }
}

#[cfg(test)]
mod tests;
