//! Contents to and from a cache: small ones many at a time, large ones as streams.

use atelier_model::Digest;
use bazel_remote_apis::{
    build::bazel::remote::execution::v2::{
        self as api, BatchReadBlobsRequest, BatchUpdateBlobsRequest, FindMissingBlobsRequest,
        batch_update_blobs_request::Request,
    },
    google::bytestream::{ReadRequest, WriteRequest},
};
use futures_util::stream;

use crate::{
    SharedCacheError,
    action::address,
    cache::{Doors, SHA256},
};

/// Bytes of contents in one message: servers take messages of 4 MiB.
const BATCH_BYTES_MAX: i64 = 3 * 1024 * 1024;
/// Contents in one message.
const BATCH_MAX: usize = 1_000;
/// Bytes in one message of a stream.
const CHUNK_BYTES: usize = 1024 * 1024;
/// Bytes of one content; a result with a larger one is not shared.
pub(crate) const CONTENT_BYTES_MAX: i64 = 256 * 1024 * 1024;

/// Puts contents together that go in one message, in the order in which they came; one that is too
/// large is alone.
fn batches<T>(all: Vec<T>, size: impl Fn(&T) -> i64) -> Vec<Vec<T>> {
    let mut batches: Vec<Vec<T>> = Vec::new();
    let mut bytes = 0_i64;
    for one in all {
        let more = size(&one);
        let together = bytes.saturating_add(more);
        match batches.last_mut() {
            Some(last) if last.len() < BATCH_MAX && together <= BATCH_BYTES_MAX => {
                bytes = together;
                last.push(one);
            }
            Some(_) | None => {
                bytes = more;
                batches.push(vec![one]);
            }
        }
    }
    batches
}

impl Doors {
    /// Those of the contents that the cache does not have.
    pub(crate) async fn missing(
        &self,
        addresses: Vec<api::Digest>,
    ) -> Result<Vec<api::Digest>, SharedCacheError> {
        let mut missing = Vec::new();
        for some in batches(addresses, |_| 0) {
            let request = FindMissingBlobsRequest {
                instance_name: self.instance.clone(),
                blob_digests: some,
                digest_function: SHA256,
            };
            let answer = self.contents.clone().find_missing_blobs(request).await;
            let answer = answer.map_err(refused("ask which contents the cache has"))?;
            missing.extend(answer.into_inner().missing_blob_digests);
        }
        Ok(missing)
    }

    /// Takes contents out of the cache; each is handed over once its digest was seen to be right.
    pub(crate) async fn read(
        &self,
        addresses: Vec<api::Digest>,
        mut take: impl FnMut(&api::Digest, Vec<u8>) -> Result<(), SharedCacheError>,
    ) -> Result<(), SharedCacheError> {
        for some in batches(addresses, |one| one.size_bytes) {
            let found = match some.as_slice() {
                [one] if one.size_bytes > BATCH_BYTES_MAX => {
                    vec![(one.clone(), self.read_stream(one).await?)]
                }
                _ => self.read_batch(some.clone()).await?,
            };
            for asked in &some {
                let bytes = found.iter().find(|(address, _)| address == asked);
                let (_, bytes) = bytes.ok_or(SharedCacheError::Damaged("a content is missing"))?;
                verified(asked, bytes)?;
                take(asked, bytes.clone())?;
            }
        }
        Ok(())
    }

    async fn read_batch(
        &self,
        digests: Vec<api::Digest>,
    ) -> Result<Vec<(api::Digest, Vec<u8>)>, SharedCacheError> {
        let request = BatchReadBlobsRequest {
            instance_name: self.instance.clone(),
            digests,
            acceptable_compressors: Vec::new(),
            digest_function: SHA256,
        };
        let answer = self.contents.clone().batch_read_blobs(request).await;
        let answer = answer.map_err(refused("read contents of the cache"))?;
        let there = answer
            .into_inner()
            .responses
            .into_iter()
            .filter(|one| one.status.as_ref().is_none_or(|status| status.code == 0));
        Ok(there
            .filter_map(|one| Some((one.digest?, one.data)))
            .collect())
    }

    async fn read_stream(&self, one: &api::Digest) -> Result<Vec<u8>, SharedCacheError> {
        if one.size_bytes > CONTENT_BYTES_MAX {
            return Err(SharedCacheError::Damaged("a content is too large"));
        }
        let size = usize::try_from(one.size_bytes).unwrap_or_default();
        let request = ReadRequest {
            resource_name: self.resource(&format!("blobs/{}/{}", one.hash, one.size_bytes)),
            ..ReadRequest::default()
        };
        let said = refused("read a content of the cache");
        let answer = self.streams.clone().read(request).await.map_err(&said)?;
        let mut answer = answer.into_inner();
        let mut bytes = Vec::new();
        while let Some(part) = answer.message().await.map_err(&said)? {
            if bytes.len() + part.data.len() > size {
                return Err(SharedCacheError::Damaged(
                    "a content is longer than it says",
                ));
            }
            bytes.extend_from_slice(&part.data);
        }
        Ok(bytes)
    }

    /// Puts contents into the cache that it does not have.
    pub(crate) async fn write(
        &self,
        all: Vec<(api::Digest, Vec<u8>)>,
    ) -> Result<(), SharedCacheError> {
        for some in batches(all, |(address, _)| address.size_bytes) {
            match some.as_slice() {
                [(address, bytes)] if address.size_bytes > BATCH_BYTES_MAX => {
                    self.write_stream(address, bytes).await?;
                }
                _ => self.write_batch(some).await?,
            }
        }
        Ok(())
    }

    async fn write_batch(&self, some: Vec<(api::Digest, Vec<u8>)>) -> Result<(), SharedCacheError> {
        let request = |(digest, data): (api::Digest, Vec<u8>)| Request {
            digest: Some(digest),
            data,
            compressor: 0,
        };
        let request = BatchUpdateBlobsRequest {
            instance_name: self.instance.clone(),
            requests: some.into_iter().map(request).collect(),
            digest_function: SHA256,
        };
        let said = refused("put contents into the cache");
        let answer = self.contents.clone().batch_update_blobs(request).await;
        let statuses = answer.map_err(&said)?.into_inner().responses;
        match statuses
            .into_iter()
            .filter_map(|one| one.status)
            .find(|status| status.code != 0)
        {
            Some(status) => Err(said(tonic::Status::new(status.code.into(), status.message))),
            None => Ok(()),
        }
    }

    async fn write_stream(&self, to: &api::Digest, bytes: &[u8]) -> Result<(), SharedCacheError> {
        // A name of 128 bits in the form of a UUID, which only has to differ from other uploads.
        let name = Digest::of_json(&(&to.hash, std::process::id())).to_string();
        let name = format!(
            "{}-{}-4{}-8{}-{}",
            &name[..8],
            &name[8..12],
            &name[13..16],
            &name[17..20],
            &name[20..32]
        );
        let resource = format!("uploads/{name}/blobs/{}/{}", to.hash, to.size_bytes);
        let resource = self.resource(&resource);
        let count = bytes.len().div_ceil(CHUNK_BYTES);
        let part = |(at, data): (usize, &[u8])| WriteRequest {
            resource_name: resource.clone(),
            write_offset: i64::try_from(at * CHUNK_BYTES).unwrap_or(i64::MAX),
            finish_write: at + 1 == count,
            data: data.to_vec(),
        };
        let parts: Vec<WriteRequest> = bytes.chunks(CHUNK_BYTES).enumerate().map(part).collect();
        let answer = self.streams.clone().write(stream::iter(parts)).await;
        answer.map_err(refused("put a content into the cache"))?;
        Ok(())
    }

    fn resource(&self, rest: &str) -> String {
        if self.instance.is_empty() {
            rest.to_owned()
        } else {
            format!("{}/{rest}", self.instance)
        }
    }
}

fn verified(asked: &api::Digest, bytes: &[u8]) -> Result<(), SharedCacheError> {
    if address(bytes) == *asked {
        Ok(())
    } else {
        Err(SharedCacheError::Damaged("a content has another digest"))
    }
}

/// Says what was tried when a server refused it.
pub(crate) fn refused(what: &'static str) -> impl Fn(tonic::Status) -> SharedCacheError {
    move |status| SharedCacheError::Refused {
        what,
        status: Box::new(status),
    }
}

#[cfg(test)]
mod tests;
