//! Objects of the application as entries.

use std::any::Any;
use std::fmt;
use std::sync::{Arc, OnceLock};
use std::time::{Duration, SystemTime};

use bytes::Bytes;
use http::{HeaderMap, StatusCode};
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::{Content, Entry, KnownUntil};
use crate::freshness::Freshness;
use crate::vary::Vary;
use crate::{CacheKey, Tag};

/// What the body of an object's entry says, once somebody has read it. It never says anything else.
#[derive(Clone, Default)]
pub(super) struct Read(OnceLock<Arc<dyn Any + Send + Sync>>);

/// An object and when it was made.
#[derive(Clone, Debug)]
pub(crate) struct Made<T> {
    pub(crate) object: Arc<T>,
    pub(crate) tags: Arc<[Tag]>,
    pub(crate) at: SystemTime,
    pub(crate) took: Duration,
    pub(crate) freshness: Freshness,
}

impl Entry {
    /// Makes the entry of an object.
    pub(crate) fn of_object<T>(key: &CacheKey, made: Made<T>) -> Result<Self, serde_json::Error>
    where
        T: Serialize + Send + Sync + 'static,
    {
        let body = Bytes::from(serde_json::to_vec(&*made.object)?);
        let read = Read::default();
        let _ = read.0.set(made.object);
        Ok(Self {
            key: key.without_request(),
            tags: made.tags,
            vary: Vary::default(),
            status: StatusCode::OK,
            headers: HeaderMap::new(),
            body,
            answered_at: made.at,
            fill_time: made.took,
            freshness: made.freshness,
            content: Content::Object(read),
            known: KnownUntil::default(),
        })
    }

    /// Returns the object, or `None` if what is stored is none of this type.
    ///
    /// It is read once, however often the entry is found in memory.
    pub(crate) fn object<T>(&self) -> Option<Arc<T>>
    where
        T: DeserializeOwned + Send + Sync + 'static,
    {
        let Content::Object(Read(read)) = &self.content else {
            return None;
        };
        if let Some(object) = read.get() {
            return object.clone().downcast().ok();
        }
        let object = Arc::new(serde_json::from_slice::<T>(&self.body).ok()?);
        // Two that read it at once have equal objects.
        let _ = read.set(object.clone());
        Some(object)
    }
}

/// The object may hold what belongs in no log.
impl fmt::Debug for Read {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.0.get() {
            Some(_) => "read",
            None => "unread",
        })
    }
}

#[cfg(test)]
mod tests {
    use std::time::UNIX_EPOCH;

    use super::*;

    fn entry_of(object: Arc<Vec<u32>>) -> Entry {
        let made = Made {
            object,
            tags: [Tag::new("car")].into(),
            at: UNIX_EPOCH,
            took: Duration::from_millis(7),
            freshness: Freshness::fixed(Duration::from_secs(1), Duration::ZERO, Duration::ZERO),
        };
        Entry::of_object(&CacheKey::of_object("car", 1, "7"), made).unwrap()
    }

    #[test]
    fn keeps_the_object_beside_its_json() {
        let object = Arc::new(vec![1, 2]);
        let entry = entry_of(object.clone());
        assert!(Arc::ptr_eq(&object, &entry.object().unwrap()));
        assert_eq!(entry.object::<String>(), None);
    }

    #[test]
    fn is_read_once_when_it_comes_from_elsewhere() {
        let bytes = entry_of(Arc::new(vec![1, 2])).encode();
        let entry = Entry::decode(&bytes).unwrap();
        let weight = entry.weight();
        let object = entry.object::<Vec<u32>>().unwrap();
        assert_eq!(*object, [1, 2]);
        assert!(Arc::ptr_eq(&object, &entry.object().unwrap()));
        assert_eq!(entry.weight(), weight);
        assert_eq!(entry.encode(), bytes);
    }

    #[test]
    fn reads_what_version_1_wrote() {
        let written = include_bytes!("codec/object_v1.bin");
        assert_eq!(entry_of(Arc::new(vec![1, 2])).encode(), written[..]);
    }

    #[test]
    fn what_is_another_form_cannot_be_read() {
        let entry = Entry::decode(&entry_of(Arc::new(vec![1, 2])).encode()).unwrap();
        assert_eq!(entry.object::<String>(), None);
        assert_eq!(entry.object::<Vec<u32>>().as_deref(), Some(&vec![1, 2]));
    }

    #[test]
    fn is_not_shown() {
        let entry = entry_of(Arc::new(vec![4711]));
        assert!(!format!("{entry:?}").contains("4711"));
    }
}
